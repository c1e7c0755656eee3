import type { Micros } from '../stack/index.ts';
import { streamOffset } from './build.ts';
import { get16, get32, pattern, put32, sameOctets } from './bytes.ts';
import type { Connection } from './connection.ts';
import { icmpNumbers } from './icmp-names.ts';
import { ACK, type OptionSeen, optionNumbers, type PacketSeen, PSH, RST, type TcpSeen, URG } from './packet.ts';
import { hex, printFlags, printOption } from './print.ts';
import type { IpSpec, OptionSpec, PacketSpec, TcpSpec } from './syntax.ts';

/** Compares a packet of the tested host with what a script expects. Each difference is told in a few words. */

export interface Leniency {
  /** How far a timestamp may be off. */
  readonly timestamps: Micros;
  /** The Fast Open cookie that the host gave before. */
  readonly cookie: Uint8Array;
  /** How far the host's clock is ahead of the script's. */
  readonly drift: Micros;
  /** Streams carry the running pattern, so text can be checked without being written out. */
  readonly hasPattern: boolean;
}

/** @returns what differs; nothing when it is the packet that is expected */
export function differences(spec: PacketSpec, seen: PacketSeen, connection: Connection, leniency: Leniency): string[] {
  const found: string[] = [];
  if (seen.fault !== null) found.push(seen.fault);
  if (spec.kind !== seen.kind) return [`${spec.kind}, not ${seen.kind}`];
  compareIp(spec.ip, seen, found);
  if (spec.kind === 'tcp') compareTcp(spec, seen as TcpSeen, connection, leniency, found);
  else if (spec.kind === 'udp' && seen.kind === 'udp') {
    differ(found, 'length', spec.length, seen.payload.length);
    if (spec.payload !== null && !sameOctets(spec.payload, seen.payload)) found.push('the text differs');
  } else if (spec.kind === 'icmp' && seen.kind === 'icmp') {
    const wanted = icmpNumbers(spec.type, spec.code, seen.family);
    differ(found, 'type', wanted?.type ?? null, seen.type);
    if (spec.code !== null) differ(found, 'code', wanted?.code ?? null, seen.code);
    if (spec.mtu !== null) differ(found, 'mtu', spec.mtu, seen.mtu);
  }
  return found;
}

function differ(found: string[], what: string, wanted: unknown, got: unknown): void {
  if (wanted !== got) found.push(`${what} ${got} instead of ${wanted}`);
}

function compareIp({ ecn, tos, ttl, df }: IpSpec, seen: PacketSeen, found: string[]): void {
  if (tos !== null) differ(found, 'tos', tos, seen.trafficClass);
  if (ecn !== null) differ(found, 'ecn bits', ecn, seen.trafficClass & 3);
  if (ttl !== null) differ(found, 'ttl', ttl, seen.ttl);
  if (df !== null && seen.family === 4) differ(found, 'df', df, seen.df);
}

function compareTcp(spec: TcpSpec, seen: TcpSeen, connection: Connection, leniency: Leniency, found: string[]): void {
  const flags = spec.mayPush ? seen.flags & ~PSH : seen.flags;
  if (spec.flags !== flags) found.push(`flags ${printFlags(seen.flags)} instead of ${printFlags(spec.flags)}`);
  // A reset that has no acknowledgment to go by says zero, whatever the host's initial number was.
  const isBlindReset = spec.seq === 0 && seen.seq === 0 && (seen.flags & (RST | ACK)) === (RST | ACK);
  if (!isBlindReset) differ(found, 'seq', spec.seq >>> 0, connection.toScriptSeq(seen.seq));
  differ(found, 'length', spec.length, seen.payload.length);
  if (spec.ack !== null) differ(found, 'ack', spec.ack >>> 0, seen.ack);
  else if ((spec.flags & ACK) !== 0) found.push("the script says no 'ack'");
  if (spec.win !== null) differ(found, 'win', spec.win, seen.win);
  if (spec.urg !== null || (seen.flags & URG) !== 0) differ(found, 'urg', spec.urg ?? 0, seen.urg);
  compareOptions(spec, seen, connection, leniency, found);
  const isSameLength = spec.length === seen.payload.length;
  if (isSameLength && spec.length > 0 && (spec.payload !== null || leniency.hasPattern)) {
    const offset = streamOffset(spec.seq, spec.flags, connection.hostStart);
    compareText(spec.payload ?? pattern(offset, spec.length), seen.payload, found);
  }
}

function compareText(wanted: Uint8Array, got: Uint8Array, found: string[]): void {
  const at = wanted.findIndex((octet, index) => octet !== got[index]);
  if (at < 0) return;
  const [ours, theirs] = [got.subarray(at, at + 8), wanted.subarray(at, at + 8)];
  found.push(`text from octet ${at} on is ${hex(ours)} instead of ${hex(theirs)}`);
}

function compareOptions(
  { options }: TcpSpec,
  seen: TcpSeen,
  connection: Connection,
  leniency: Leniency,
  found: string[],
): void {
  if (options === 'any') return;
  if (options === null) {
    const others = seen.options.filter(({ number }) => number !== optionNumbers.TS && number !== optionNumbers.nop);
    const rest = connection.hasTimestamps ? others : seen.options;
    if (rest.length > 0) found.push(`options <${rest.map((option) => printOption(option, connection)).join(',')}>`);
    return;
  }
  const isSame =
    options.length === seen.options.length &&
    options.every((option, index) => isSameOption(option, seen.options[index]!, connection, leniency));
  if (!isSame) found.push('options');
}

function isSameOption(spec: OptionSpec, seen: OptionSeen, connection: Connection, leniency: Leniency): boolean {
  const number = spec.kind === 'other' ? spec.number : optionNumbers[spec.kind];
  const { data } = seen;
  if (number !== seen.number) return false;
  switch (spec.kind) {
    case 'mss':
    case 'wscale': {
      if (data.length !== (spec.kind === 'mss' ? 2 : 1)) return false;
      return spec.value === null || spec.value === data.reduce((sum, octet) => sum * 256 + octet, 0);
    }
    case 'TS':
      return data.length === 8 && isSameTimestamp(spec, get32(data, 0), get32(data, 4), connection, leniency);
    case 'sack': {
      const wanted = new Uint8Array(spec.blocks.length * 8);
      spec.blocks.flat().forEach((edge, index) => {
        put32(wanted, index * 4, edge >>> 0);
      });
      return sameOctets(wanted, data);
    }
    case 'FO':
      return isSameCookie(spec.cookie, data, leniency);
    case 'FOEXP':
      return get16(data, 0) === 0xf989 && isSameCookie(spec.cookie, data.subarray(2), leniency);
    case 'other':
      return sameOctets(spec.data, data);
    default:
      return data.length === 0;
  }
}

function isSameCookie(wanted: Uint8Array | 'given' | null, cookie: Uint8Array, leniency: Leniency): boolean {
  if (wanted === null) return cookie.length > 0;
  return sameOctets(wanted === 'given' ? leniency.cookie : wanted, cookie);
}

function isSameTimestamp(
  { val, ecr }: { readonly val: number | null; readonly ecr: number | null },
  liveVal: number,
  liveEcr: number,
  connection: Connection,
  { timestamps, drift }: Leniency,
): boolean {
  if (ecr !== null && ecr >>> 0 !== liveEcr) return false;
  return val === null || connection.tsDistance(val, liveVal, drift) <= timestamps / 1000 + 1;
}
