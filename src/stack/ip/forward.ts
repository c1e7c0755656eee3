import { isLinkLocal, isLoopback } from '../base/address.ts';
import { getUint8, getUint16, setUint8, setUint16 } from '../base/bytes.ts';
import { checksum, updateChecksum } from '../base/checksum.ts';
import type { Datagram } from '../wire/datagram.ts';
import { destinationUnreachable, fragmentationNeeded, timeExceeded } from '../wire/icmpv4.ts';
import { packetTooBig, timeExceeded6 } from '../wire/icmpv6.ts';

/** Passing on packets that are for others (RFC 1812 section 5.2, RFC 8200): what a router does to them. */

/** What stays on its link or its host is never passed on (RFC 1812 section 5.3.7, RFC 4291 section 2.5.6). */
export const mayForward = ({ source, destination, toMany }: Datagram): boolean =>
  !toMany && !isLoopback(source) && !isLoopback(destination) && !isLinkLocal(source) && !isLinkLocal(destination);

/**
 * The packets that leave in place of one that has arrived: a copy with its time to live taken down, in pieces if it is an
 * IPv4 packet that may be cut and must be. Or none, with the datagram's complaint saying why.
 */
export function forwarded(datagram: Datagram, mtu: number): Uint8Array[] {
  const { bytes, payloadEnd, source, complaint } = datagram;
  if (datagram.ttl <= 1) {
    complaint.set(source.isV4 ? timeExceeded : timeExceeded6, 0, 0);
    return [];
  }
  const packet = bytes.slice(0, payloadEnd);
  if (!source.isV4) {
    setUint8(packet, 7, datagram.ttl - 1);
    if (payloadEnd <= mtu) return [packet];
    complaint.set(packetTooBig, 0, mtu, true);
    return [];
  }
  const before = getUint16(packet, 8);
  setUint8(packet, 8, datagram.ttl - 1);
  setUint16(packet, 10, updateChecksum(getUint16(packet, 10), before, getUint16(packet, 8)));
  if (payloadEnd <= mtu) return [packet];
  if (!datagram.dontFragment) return cut(packet, mtu);
  complaint.set(destinationUnreachable, fragmentationNeeded, mtu);
  return [];
}

/** Cuts an IPv4 packet, perhaps a piece itself, into pieces (RFC 791 section 3.2); options that are not to be copied go. */
function cut(packet: Uint8Array, mtu: number): Uint8Array[] {
  const firstHeader = (getUint8(packet, 0) & 15) * 4;
  const place = getUint16(packet, 6);
  const pieces: Uint8Array[] = [];
  let headerLength = firstHeader;
  for (let at = firstHeader; at < packet.length; ) {
    const room = (mtu - headerLength) & ~7;
    if (room <= 0) return pieces;
    const length = Math.min(room, packet.length - at);
    const isLast = at + length === packet.length;
    const piece = new Uint8Array(headerLength + length);
    piece.set(packet.subarray(0, 20));
    if (at === firstHeader) piece.set(packet.subarray(20, firstHeader), 20);
    else if (headerLength > 20) copyOptions(packet, firstHeader, piece);
    piece.set(packet.subarray(at, at + length), headerLength);
    setUint8(piece, 0, 0x40 | (headerLength >> 2));
    setUint16(piece, 2, piece.length);
    setUint16(piece, 6, (place & 0x2000) | (isLast ? 0 : 0x2000) | ((place & 0x1fff) + ((at - firstHeader) >> 3)));
    setUint16(piece, 10, 0);
    setUint16(piece, 10, checksum(piece, 0, headerLength));
    pieces.push(piece);
    at += length;
    headerLength = 20 + copiedOptions(packet, firstHeader);
  }
  return pieces;
}

/** Octets of the options that go into every piece, padded to whole words. */
function copiedOptions(packet: Uint8Array, end: number): number {
  let octets = 0;
  eachCopied(packet, end, (start, stop) => {
    octets += stop - start;
  });
  return (octets + 3) & ~3;
}

function copyOptions(packet: Uint8Array, end: number, into: Uint8Array): void {
  let to = 20;
  eachCopied(packet, end, (start, stop) => {
    into.set(packet.subarray(start, stop), to);
    to += stop - start;
  });
}

/** The top bit of an option's kind says that it belongs into every piece. The options have been checked already. */
function eachCopied(packet: Uint8Array, end: number, visit: (start: number, stop: number) => void): void {
  for (let at = 20; at < end && getUint8(packet, at) !== 0; ) {
    const kind = getUint8(packet, at);
    const length = kind === 1 ? 1 : getUint8(packet, at + 1);
    if ((kind & 0x80) !== 0) visit(at, at + length);
    at += length;
  }
}
