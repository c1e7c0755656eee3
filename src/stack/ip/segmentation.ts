import { copyBytes, getUint8, getUint16, getUint32, setUint8, setUint16, setUint32 } from '../base/bytes.ts';
import { checksum, finishChecksum, sumBytes } from '../base/checksum.ts';
import type { PacketMeta } from '../base/offload.ts';
import { CWR, FIN, PSH, checksumOffset as tcpChecksumOffset } from '../wire/tcp.ts';
import { udpHeaderLength } from '../wire/udp.ts';

/**
 * Generic segmentation: a packet that stands for many is cut into those that go over a wire, and what was left of their
 * checksums is filled in. For devices that do not do it themselves, and for packets that came in as one and have to be many.
 *
 * Every packet has the headers of the whole; what differs is lengths, the sequence number, IPv4's identification, and the
 * flags that are about one end: CWR is the first segment's, FIN and PSH are the last one's.
 */

/** How many packets bytes[0, length) stands for: 1 when it stands for itself. */
export function segmentCount(bytes: Uint8Array, length: number, meta: PacketMeta): number {
  if (meta.segmentSize === 0) return 1;
  return Math.max(1, Math.ceil((length - textStart(bytes, meta)) / meta.segmentSize));
}

/**
 * Writes the packet that stands for `count` of them, from the one of index `first` on, into `into`, which is another buffer.
 * One alone is as it has to be on a wire; several have a partial checksum, as the whole has.
 * @returns its length
 */
export function writeSegments(
  bytes: Uint8Array,
  length: number,
  meta: PacketMeta,
  first: number,
  count: number,
  into: Uint8Array,
): number {
  const { segmentSize: size, transportAt } = meta;
  if (size === 0) {
    copyBytes(bytes, 0, length, into, 0);
    if (meta.checksum === 'partial') completeChecksum(into, length, meta);
    return length;
  }
  const text = textStart(bytes, meta);
  const from = text + first * size;
  const to = Math.min(length, from + count * size);
  const total = text + to - from;
  copyBytes(bytes, 0, text, into, 0);
  copyBytes(bytes, from, to, into, text);
  relabelIp(into, total, first);
  if (meta.checksumOffset === tcpChecksumOffset) {
    setUint32(into, transportAt + 4, (getUint32(bytes, transportAt + 4) + first * size) >>> 0);
    let flags = getUint8(bytes, transportAt + 13);
    if (first > 0) flags &= ~CWR;
    if (to < length) flags &= ~(FIN | PSH);
    setUint8(into, transportAt + 13, flags);
  } else setUint16(into, transportAt + 4, total - transportAt);
  // The length is in the sum over the pseudo-header: the old one out, the new one in (RFC 1624).
  const field = transportAt + meta.checksumOffset;
  const sum = getUint16(bytes, field) + (~(length - transportAt) & 0xffff) + (total - transportAt);
  setUint16(into, field, ~finishChecksum(sum) & 0xffff);
  if (count === 1) completeChecksum(into, total, meta);
  return total;
}

/** Sums up what a partial checksum has left out: the field holds the sum over the pseudo-header. */
export function completeChecksum(bytes: Uint8Array, length: number, meta: PacketMeta): void {
  const { transportAt, checksumOffset } = meta;
  const value = finishChecksum(sumBytes(bytes, transportAt, length, 0));
  // Of UDP, zero would mean that there is none (RFC 768).
  const isNone = value === 0 && checksumOffset !== tcpChecksumOffset;
  setUint16(bytes, transportAt + checksumOffset, isNone ? 0xffff : value);
}

/** Where the text begins, of the first segment and of every other. */
function textStart(bytes: Uint8Array, { transportAt, checksumOffset }: PacketMeta): number {
  if (checksumOffset !== tcpChecksumOffset) return transportAt + udpHeaderLength;
  return transportAt + (getUint8(bytes, transportAt + 12) >> 4) * 4;
}

function relabelIp(packet: Uint8Array, length: number, index: number): void {
  if (getUint8(packet, 0) >> 4 === 6) return setUint16(packet, 4, length - 40);
  setUint16(packet, 2, length);
  setUint16(packet, 4, (getUint16(packet, 4) + index) & 0xffff);
  setUint16(packet, 10, 0);
  setUint16(packet, 10, checksum(packet, 0, (getUint8(packet, 0) & 15) * 4));
}
