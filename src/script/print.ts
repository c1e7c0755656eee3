import { get16, get32 } from './bytes.ts';
import type { Connection } from './connection.ts';
import { icmpName } from './icmp-names.ts';
import {
  ACK,
  flagLetters,
  type IcmpSeen,
  type OptionSeen,
  optionNumbers,
  type PacketSeen,
  type TcpSeen,
  URG,
} from './packet.ts';

/** Prints packets of the tested host in the notation of scripts, with the script's numbers. */

/** @param connection whose packet it is; null when it belongs to none: then the numbers are the real ones */
export function printPacket(seen: PacketSeen, connection: Connection | null): string {
  const label = connection === null || connection.label === 1 ? '' : `#${connection.label} `;
  const prefix = connection === null ? '' : label;
  const body =
    seen.kind === 'tcp'
      ? printTcp(seen, connection)
      : seen.kind === 'udp'
        ? `udp (${seen.payload.length})`
        : printIcmp(seen);
  const ports =
    connection === null && seen.kind !== 'icmp' ? ` (port ${seen.sourcePort} to ${seen.destinationPort})` : '';
  return `> ${prefix}${printIp(seen)}${body}${ports}${seen.fault === null ? '' : ` (${seen.fault})`}`;
}

const ecnNames = ['', 'ect1', 'ect0', 'ce'] as const;

function printIp({ trafficClass }: PacketSeen): string {
  if (trafficClass === 0) return '';
  return trafficClass < 4 ? `[${ecnNames[trafficClass]}] ` : `[tos 0x${trafficClass.toString(16)}] `;
}

function printTcp(seen: TcpSeen, connection: Connection | null): string {
  const seq = connection?.toScriptSeq(seen.seq) ?? seen.seq;
  const { length } = seen.payload;
  const parts = [printFlags(seen.flags), `${seq}:${(seq + length) >>> 0}(${length})`];
  if ((seen.flags & ACK) !== 0) parts.push(`ack ${seen.ack}`);
  parts.push(`win ${seen.win}`);
  if ((seen.flags & URG) !== 0) parts.push(`urg ${seen.urg}`);
  if (seen.options.length > 0) {
    parts.push(`<${seen.options.map((option) => printOption(option, connection)).join(',')}>`);
  }
  return parts.join(' ');
}

export function printFlags(flags: number): string {
  const letters = ['S', 'F', 'R', 'P', 'U', 'E', 'W', 'A', '.'].filter(
    (letter) => (flags & flagLetters[letter]!) !== 0,
  );
  return letters.join('') || '-';
}

export function printOption({ number, data }: OptionSeen, connection: Connection | null): string {
  const name = Object.entries(optionNumbers).find(([, each]) => each === number)?.[0];
  if (name === 'nop' || name === 'eol') return name;
  if (name === 'sackOK' && data.length === 0) return name;
  if (name === 'mss' && data.length === 2) return `mss ${get16(data, 0)}`;
  if (name === 'wscale' && data.length === 1) return `wscale ${data[0]}`;
  if (name === 'TS' && data.length === 8) {
    return `TS val ${connection?.toScriptTs(get32(data, 0)) ?? get32(data, 0)} ecr ${get32(data, 4)}`;
  }
  if (name === 'sack' && data.length % 8 === 0) {
    const blocks = Array.from(
      { length: data.length / 8 },
      (_, block) => `${get32(data, block * 8)}:${get32(data, block * 8 + 4)}`,
    );
    return `sack ${blocks.join(' ')}`;
  }
  if (name === 'FO') return `FO ${hex(data)}`.trim();
  if (name === 'FOEXP' && data.length >= 2 && get16(data, 0) === 0xf989) return `FOEXP ${hex(data.subarray(2))}`.trim();
  return `kind ${number} len ${data.length + 2} ${hex(data)}`.trim();
}

export const hex = (bytes: Uint8Array): string =>
  Array.from(bytes, (octet) => octet.toString(16).padStart(2, '0')).join('');

function printIcmp(seen: IcmpSeen): string {
  const mtu = seen.mtu === 0 ? '' : ` mtu ${seen.mtu}`;
  return `icmp ${icmpName(seen.type, seen.code, seen.family)}${mtu}`;
}
