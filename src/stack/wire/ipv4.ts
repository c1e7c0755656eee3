import { type Address, ipv4 } from '../base/address.ts';
import { getUint8, getUint16, getUint32, setUint8, setUint16, setUint32 } from '../base/bytes.ts';
import { checksum } from '../base/checksum.ts';
import type { DropReason } from '../base/counters.ts';
import type { Datagram, Outgoing } from './datagram.ts';
import { parameterProblem } from './icmpv4.ts';

/**
 * The IPv4 header (RFC 791 section 3.1).
 *
 *     0                   1                   2                   3
 *     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *    |version|  IHL  | DSCP      |ECN|          total length         |   0
 *    |         identification        |0|D|M|    fragment offset      |   4
 *    |      TTL      |   protocol    |        header checksum        |   8
 *    |                         source address                        |  12
 *    |                      destination address                      |  16
 */
export const ipv4HeaderLength = 20;

const looseSourceRoute = 131;
const strictSourceRoute = 137;

const dontFragment = 0x4000;
const moreFragments = 0x2000;
const fragmentOffset = 0x1fff;

/**
 * Reads the header of the packet bytes[0, length). The total length may be less than `length`: the rest is padding.
 * @returns why it is no IPv4 datagram, or null when `into` has been filled
 */
export function readIpv4(bytes: Uint8Array, length: number, into: Datagram): DropReason | null {
  if (length < ipv4HeaderLength) return 'truncated packet';
  const headerLength = (getUint8(bytes, 0) & 15) * 4;
  if (headerLength < ipv4HeaderLength || headerLength > length) return 'bad header length';
  const totalLength = getUint16(bytes, 2);
  if (totalLength < headerLength || totalLength > length) return 'bad total length';
  if (checksum(bytes, 0, headerLength) !== 0) return 'bad header checksum'; // RFC 1122 section 3.2.1.2
  setV4(into.source, getUint32(bytes, 12));
  setV4(into.destination, getUint32(bytes, 16));
  into.bytes = bytes;
  into.protocol = getUint8(bytes, 9);
  into.ttl = getUint8(bytes, 8);
  into.trafficClass = getUint8(bytes, 1);
  into.payloadStart = headerLength;
  into.payloadEnd = totalLength;
  const fragment = getUint16(bytes, 6);
  into.moreFragments = (fragment & moreFragments) !== 0;
  into.fragmentOffset = (fragment & fragmentOffset) * 8;
  into.isFragment = into.moreFragments || into.fragmentOffset !== 0;
  into.dontFragment = (fragment & dontFragment) !== 0;
  into.identification = getUint16(bytes, 4);
  return null;
}

/**
 * Options are bounds-checked and ignored (RFC 1122 section 3.2.1.8); source routes are refused, as Linux does: in
 * silence, but for one that is none.
 * Called once the addresses are known to be good: the complaint goes to the source.
 */
export function checkIpv4Options(about: Datagram): DropReason | null {
  const { bytes, payloadStart: end } = about;
  for (let at = ipv4HeaderLength; at < end; ) {
    const kind = getUint8(bytes, at);
    if (kind === 0) return null; // end of list
    if (kind === 1) {
      at++; // no operation
      continue;
    }
    const length = at + 1 < end ? getUint8(bytes, at + 1) : 0;
    if (length < 2 || at + length > end) return refuseOption(about, at); // the option at fault, as Linux points
    if (kind === looseSourceRoute || kind === strictSourceRoute) {
      if (length < 3) return refuseOption(about, at + 1); // no room for its pointer
      if (getUint8(bytes, at + 2) < 4) return refuseOption(about, at + 2); // which counts from 1, behind itself
      return 'source route';
    }
    at += length;
  }
  return null;
}

function refuseOption(about: Datagram, pointer: number): DropReason {
  about.complaint.set(parameterProblem, 0, pointer << 24);
  return 'bad IP option';
}

function setV4(into: Address, bits: number): void {
  into.w0 = 0;
  into.w1 = 0;
  into.w2 = 0xffff;
  into.w3 = bits;
  into.zone = 0;
}

/** Writes the header of a datagram or of a piece of one, in front of its payload. */
export function writeIpv4(into: Uint8Array, out: Outgoing): void {
  setUint8(into, 0, 0x45);
  setUint8(into, 1, out.trafficClass);
  setUint16(into, 2, ipv4HeaderLength + out.length);
  setUint16(into, 4, out.identification);
  let fragment = out.dontFragment ? dontFragment : 0;
  if (out.isFragment) fragment = (out.moreFragments ? moreFragments : 0) | (out.fragmentOffset >> 3);
  setUint16(into, 6, fragment);
  setUint8(into, 8, out.ttl);
  setUint8(into, 9, out.protocol);
  setUint16(into, 10, 0);
  setUint32(into, 12, out.source.w3);
  setUint32(into, 16, out.destination.w3);
  setUint16(into, 10, checksum(into, 0, ipv4HeaderLength));
}

/** Makes the header that a datagram had before it was cut into pieces (RFC 791 section 3.2). */
export function restoreIpv4(bytes: Uint8Array, headerLength: number, totalLength: number): void {
  setUint16(bytes, 2, totalLength);
  setUint16(bytes, 6, 0);
  setUint16(bytes, 10, 0);
  setUint16(bytes, 10, checksum(bytes, 0, headerLength));
}

/** Reads the source and destination of a header that is quoted inside an ICMP error. */
export const quotedSource = (bytes: Uint8Array, at: number): Address => ipv4(getUint32(bytes, at + 12));
export const quotedDestination = (bytes: Uint8Array, at: number): Address => ipv4(getUint32(bytes, at + 16));
