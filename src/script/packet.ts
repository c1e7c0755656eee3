import { checksumOf, get16, get32, pseudoHeader } from './bytes.ts';
import type { Family } from './syntax.ts';

/** Packets as they are on the wire, taken apart: what the tested host has sent, with real sequence numbers. */

export interface IpSeen {
  readonly family: Family;
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly trafficClass: number;
  readonly ttl: number;
  /** Of IPv4; false for IPv6, which never lets routers cut. */
  readonly df: boolean;
  /** What is wrong with it: a checksum, or a length. */
  readonly fault: string | null;
}

export interface TcpSeen extends IpSeen {
  readonly kind: 'tcp';
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly flags: number;
  readonly seq: number;
  readonly ack: number;
  readonly win: number;
  readonly urg: number;
  readonly options: readonly OptionSeen[];
  readonly payload: Uint8Array;
}

export interface UdpSeen extends IpSeen {
  readonly kind: 'udp';
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly payload: Uint8Array;
}

export interface IcmpSeen extends IpSeen {
  readonly kind: 'icmp';
  readonly type: number;
  readonly code: number;
  readonly mtu: number;
  readonly quoted: Uint8Array;
}

export type PacketSeen = TcpSeen | UdpSeen | IcmpSeen;

export interface OptionSeen {
  readonly number: number;
  readonly data: Uint8Array;
}

export const flagLetters: Readonly<Record<string, number>> = {
  F: 0x01,
  S: 0x02,
  R: 0x04,
  P: 0x08,
  '.': 0x10,
  U: 0x20,
  E: 0x40,
  W: 0x80,
  A: 0x100,
};

export const SYN = 0x02;
export const RST = 0x04;
export const PSH = 0x08;
export const ACK = 0x10;
export const URG = 0x20;

export const optionNumbers = {
  eol: 0,
  nop: 1,
  mss: 2,
  wscale: 3,
  sackOK: 4,
  sack: 5,
  TS: 8,
  FO: 34,
  FOEXP: 254,
} as const;

/** @returns null: not TCP, UDP or an ICMP error, so nothing that scripts are about */
export function decodePacket(bytes: Uint8Array): PacketSeen | null {
  if (bytes[0]! >> 4 === 4) return decodeV4(bytes);
  return bytes[0]! >> 4 === 6 ? decodeV6(bytes) : null;
}

function decodeV4(bytes: Uint8Array): PacketSeen | null {
  const headerLength = (bytes[0]! & 15) * 4;
  if (headerLength < 20 || bytes.length < headerLength) return null;
  const fault =
    get16(bytes, 2) !== bytes.length
      ? 'wrong IP length'
      : checksumOf(bytes.subarray(0, headerLength)) !== 0
        ? 'wrong IP checksum'
        : null;
  const ip: IpSeen = {
    family: 4,
    source: bytes.subarray(12, 16),
    destination: bytes.subarray(16, 20),
    trafficClass: bytes[1]!,
    ttl: bytes[8]!,
    df: (bytes[6]! & 0x40) !== 0,
    fault,
  };
  return decodeBody(ip, bytes[9]!, bytes.subarray(headerLength));
}

function decodeV6(bytes: Uint8Array): PacketSeen | null {
  if (bytes.length < 40) return null;
  const ip: IpSeen = {
    family: 6,
    source: bytes.subarray(8, 24),
    destination: bytes.subarray(24, 40),
    trafficClass: (get16(bytes, 0) >> 4) & 0xff,
    ttl: bytes[7]!,
    df: false,
    fault: get16(bytes, 4) === bytes.length - 40 ? null : 'wrong IP length',
  };
  return decodeBody(ip, bytes[6]!, bytes.subarray(40));
}

function decodeBody(ip: IpSeen, protocol: number, body: Uint8Array): PacketSeen | null {
  const pseudo = pseudoHeader(ip.source, ip.destination, protocol, body.length);
  const sumIsWrong = checksumOf(pseudo, body) !== 0;
  if (protocol === 6 && body.length >= 20) return decodeTcp(withFault(ip, sumIsWrong, 'TCP'), body);
  if (protocol === 17 && body.length >= 8) {
    const isUnsummed = ip.family === 4 && get16(body, 6) === 0;
    const [sourcePort, destinationPort] = [get16(body, 0), get16(body, 2)];
    const udp = withFault(ip, sumIsWrong && !isUnsummed, 'UDP');
    return { ...udp, kind: 'udp', sourcePort, destinationPort, payload: body.slice(8) };
  }
  if (protocol === 1 && body.length >= 8 && [3, 4, 5, 11, 12].includes(body[0]!)) {
    return decodeIcmp(withFault(ip, checksumOf(body) !== 0, 'ICMP'), body, get16(body, 6));
  }
  if (protocol === 58 && body.length >= 8 && body[0]! < 128) {
    return decodeIcmp(withFault(ip, sumIsWrong, 'ICMP'), body, get32(body, 4));
  }
  return null;
}

const withFault = (ip: IpSeen, isWrong: boolean, name: string): IpSeen =>
  isWrong && ip.fault === null ? { ...ip, fault: `wrong ${name} checksum` } : ip;

const decodeIcmp = (ip: IpSeen, body: Uint8Array, mtu: number): IcmpSeen => ({
  ...ip,
  kind: 'icmp',
  type: body[0]!,
  code: body[1]!,
  mtu,
  quoted: body.slice(8),
});

function decodeTcp(ip: IpSeen, body: Uint8Array): TcpSeen {
  const headerLength = (body[12]! >> 4) * 4;
  const isCut = headerLength < 20 || headerLength > body.length;
  return {
    ...ip,
    fault: isCut ? 'wrong TCP header length' : ip.fault,
    kind: 'tcp',
    sourcePort: get16(body, 0),
    destinationPort: get16(body, 2),
    seq: get32(body, 4),
    ack: get32(body, 8),
    flags: get16(body, 12) & 0x1ff,
    win: get16(body, 14),
    urg: get16(body, 18),
    options: isCut ? [] : decodeOptions(body.subarray(20, headerLength)),
    payload: isCut ? new Uint8Array() : body.slice(headerLength),
  };
}

/** Stops at the end of the list, which counts as an option of its own, and at what makes no sense. */
function decodeOptions(bytes: Uint8Array): OptionSeen[] {
  const options: OptionSeen[] = [];
  for (let at = 0; at < bytes.length; ) {
    const number = bytes[at]!;
    const length = number <= 1 ? 1 : (bytes[at + 1] ?? 0);
    if (length === 0 || (number > 1 && length < 2) || at + length > bytes.length) break;
    options.push({ number, data: bytes.slice(at + 2, at + Math.max(2, length)) });
    at += length;
    if (number === optionNumbers.eol) break;
  }
  return options;
}

/** The Fast Open cookie that a segment brings (RFC 7413 section 4.1.1), or null. */
export function cookieOf({ options }: TcpSeen): Uint8Array | null {
  for (const { number, data } of options) {
    if (number === optionNumbers.FO && data.length > 0) return data;
    if (number === optionNumbers.FOEXP && data.length > 2) return data.subarray(2);
  }
  return null;
}
