import type { Socket, SocketModule } from '../../src/api/index.ts';
import type { OpenHost } from '../../src/api/node/index.ts';
import { type Address, parseAddress } from '../../src/stack/index.ts';
import { orThrow } from '../services/serve.ts';
import { UsageError } from './options.ts';

/** What ping and traceroute share: ICMP over a raw socket, and the packets that errors quote. */

export interface Target {
  readonly text: string;
  readonly address: Address;
  readonly isV4: boolean;
}

/** @throws UsageError not an address */
export function targetOf(text: string): Target {
  const address = parseAddress(text);
  if (address === null) throw new UsageError(`not an address: '${text}' (there is no resolver yet)`);
  return { text, address, isV4: address.isV4 };
}

/** A raw ICMP socket of the family of the target. */
export function openIcmp({ socket: module }: OpenHost, { isV4 }: Target): Socket {
  const family = isV4 ? module.AF_INET : module.AF_INET6;
  return orThrow(module.socket(family, module.SOCK_RAW, isV4 ? module.IPPROTO_ICMP : module.IPPROTO_ICMPV6), 'socket');
}

/** Sets how many hops what the socket sends may go. */
export function setHops(module: SocketModule, socket: Socket, { isV4 }: Target, hops: number): void {
  const [level, name] = isV4 ? [module.IPPROTO_IP, module.IP_TTL] : [module.IPPROTO_IPV6, module.IPV6_UNICAST_HOPS];
  orThrow(socket.setoption(level, name, hops), 'setoption');
}

/** An ICMP message that has arrived. */
export interface IcmpMessage {
  readonly type: number;
  readonly code: number;
  /** The message, from its type on. */
  readonly bytes: DataView;
}

/** The ICMP message in what a raw socket has received: over IPv4 it has the IP header in front. */
export function icmpOf(data: Uint8Array, isV4: boolean): IcmpMessage | null {
  const start = isV4 ? (data[0]! & 15) * 4 : 0;
  if (data.length < start + 8) return null;
  const bytes = new DataView(data.buffer, data.byteOffset + start, data.length - start);
  return { type: bytes.getUint8(0), code: bytes.getUint8(1), bytes };
}

/** The packet that an ICMP error quotes, from the header of its transport on; null when that is not in there. */
export function quotedBy(
  { bytes }: IcmpMessage,
  isV4: boolean,
): { readonly protocol: number; readonly payload: DataView } | null {
  const header = isV4 ? (bytes.byteLength > 8 ? (bytes.getUint8(8) & 15) * 4 : 0) : 40;
  const start = 8 + header;
  if (bytes.byteLength < start + 8) return null;
  const protocol = bytes.getUint8(isV4 ? 17 : 14);
  return { protocol, payload: new DataView(bytes.buffer, bytes.byteOffset + start, bytes.byteLength - start) };
}

/** Numbers of the two ICMPs. */
export const icmpNumbers = (isV4: boolean) =>
  isV4
    ? { echoRequest: 8, echoReply: 0, unreachable: 3, timeExceeded: 11, tooBig: -1, parameterProblem: 12 }
    : { echoRequest: 128, echoReply: 129, unreachable: 1, timeExceeded: 3, tooBig: 2, parameterProblem: 4 };

/** An echo request. The checksum of ICMPv6 is the stack's to fill in; that of ICMPv4 is ours. */
export function echoRequest(isV4: boolean, id: number, seq: number, data: Uint8Array): Uint8Array {
  const message = new Uint8Array(8 + data.length);
  const view = new DataView(message.buffer);
  view.setUint8(0, icmpNumbers(isV4).echoRequest);
  view.setUint16(4, id);
  view.setUint16(6, seq);
  message.set(data, 8);
  if (isV4) view.setUint16(2, internetChecksum(message));
  return message;
}

function internetChecksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += (bytes[at]! << 8) | (bytes[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** A number from an option's text. @throws UsageError */
export function numberOf(
  name: string,
  text: string | undefined,
  otherwise: number,
  least: number,
  most: number,
): number {
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (text.trim() === '' || !(value >= least && value <= most)) {
    throw new UsageError(`--${name} is a number from ${least} to ${most}, not '${text}'`);
  }
  return value;
}
