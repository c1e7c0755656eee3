import { Address } from '../base/address.ts';
import { getUint8, getUint16, getUint32, setUint8, setUint16, setUint32 } from '../base/bytes.ts';
import type { DropReason } from '../base/counters.ts';
import { type Datagram, fragmentHeaderLength, type Outgoing } from './datagram.ts';

/**
 * The IPv6 header (RFC 8200 section 3).
 *
 *     0                   1                   2                   3
 *     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *    |version| traffic class |             flow label                |   0
 *    |        payload length         |  next header  |   hop limit   |   4
 *    |                    source address, 128 bits                   |   8
 *    |                 destination address, 128 bits                 |  24
 */
export const ipv6HeaderLength = 40;
/** The least MTU that every link offers (RFC 8200 section 5). */
export const ipv6LeastMtu = 1280;

/** Next-header numbers of the extension headers (RFC 8200 section 4, IANA). */
export const hopByHopHeader = 0;
export const routingHeader = 43;
export const fragmentHeader = 44;
export const noNextHeader = 59;
export const destinationHeader = 60;

/**
 * Reads the header of the packet bytes[0, length). What lies beyond the payload length is padding. Extension headers
 * count as payload here: ip/extensions.ts walks them.
 * @returns why it is no IPv6 packet, or null when `into` has been filled
 */
export function readIpv6(bytes: Uint8Array, length: number, into: Datagram): DropReason | null {
  if (length < ipv6HeaderLength) return 'truncated packet';
  const payloadLength = getUint16(bytes, 4);
  if (ipv6HeaderLength + payloadLength > length) return 'bad payload length';
  readAddress(bytes, 8, into.source);
  readAddress(bytes, 24, into.destination);
  into.bytes = bytes;
  into.protocol = getUint8(bytes, 6);
  into.nextHeaderAt = 6;
  into.ttl = getUint8(bytes, 7);
  into.trafficClass = (getUint16(bytes, 0) >> 4) & 0xff;
  into.payloadStart = ipv6HeaderLength;
  into.payloadEnd = ipv6HeaderLength + payloadLength;
  into.isFragment = false;
  into.dontFragment = true;
  return null;
}

function readAddress(bytes: Uint8Array, at: number, into: Address): void {
  into.w0 = getUint32(bytes, at);
  into.w1 = getUint32(bytes, at + 4);
  into.w2 = getUint32(bytes, at + 8);
  into.w3 = getUint32(bytes, at + 12);
  into.zone = 0;
}

function writeAddress(into: Uint8Array, at: number, address: Address): void {
  setUint32(into, at, address.w0);
  setUint32(into, at + 4, address.w1);
  setUint32(into, at + 8, address.w2);
  setUint32(into, at + 12, address.w3);
}

/** Writes the header, and for a piece of a datagram the fragment header, in front of the payload. */
export function writeIpv6(into: Uint8Array, out: Outgoing): void {
  setUint32(into, 0, ((6 << 28) | (out.trafficClass << 20) | out.flowLabel) >>> 0);
  setUint16(into, 4, out.length + (out.isFragment ? fragmentHeaderLength : 0));
  setUint8(into, 6, out.isFragment ? fragmentHeader : out.protocol);
  setUint8(into, 7, out.ttl);
  writeAddress(into, 8, out.source);
  writeAddress(into, 24, out.destination);
  if (!out.isFragment) return;
  setUint8(into, 40, out.protocol);
  setUint8(into, 41, 0);
  setUint16(into, 42, out.fragmentOffset | (out.moreFragments ? 1 : 0)); // the offset is a multiple of 8
  setUint32(into, 44, out.identification);
}

/** Makes of the headers of a first piece those that the datagram had before: without the fragment header at its end. */
export function restoreIpv6(bytes: Uint8Array, nextHeaderAt: number, protocol: number, totalLength: number): void {
  setUint8(bytes, nextHeaderAt, protocol);
  setUint16(bytes, 4, totalLength - ipv6HeaderLength);
}

/** Reads the source and destination of a header that is quoted inside an ICMPv6 error. */
export function quotedAddress(bytes: Uint8Array, at: number): Address {
  const address = new Address();
  readAddress(bytes, at, address);
  return address;
}

/**
 * What the extension headers from `at` on lead to: the upper layer's number and where its header begins.
 * For packets that are quoted, or not accepted: nothing is checked but the borders.
 * @returns null when the chain does not end before `end`, or in a piece that is not the first
 */
export function findUpperLayer(
  bytes: Uint8Array,
  protocol: number,
  at: number,
  end: number,
): { readonly protocol: number; readonly at: number } | null {
  let next = protocol;
  for (let headers = 0; headers < 16; headers++) {
    switch (next) {
      case hopByHopHeader:
      case routingHeader:
      case destinationHeader:
        if (at + 8 > end) return null;
        next = getUint8(bytes, at);
        at += (getUint8(bytes, at + 1) + 1) * 8;
        break;
      case fragmentHeader:
        if (at + fragmentHeaderLength > end || (getUint16(bytes, at + 2) & 0xfff8) !== 0) return null;
        next = getUint8(bytes, at);
        at += fragmentHeaderLength;
        break;
      default:
        return at <= end ? { protocol: next, at } : null;
    }
  }
  return null;
}
