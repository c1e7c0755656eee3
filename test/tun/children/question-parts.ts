/** What the questions to the kernel are made of: packets that are bent in one way each. */
import {
  internetChecksum,
  octets,
  octetsOf,
  ours,
  packet,
  pattern,
  theirs,
  u16,
  u32,
  udp,
} from '../../helpers/packets.ts';

export interface KernelQuestion {
  readonly title: string;
  /** Sent one after another. */
  readonly packets: readonly Uint8Array[];
}

export type Family = 4 | 6;
/** A piece of a datagram: what its header says of its place, and its payload. */
export type Piece = readonly [place: number, payload: Uint8Array];
/** A port at which nobody listens. */
export const CLOSED = 4444;

interface SegmentFields {
  readonly text?: number;
  readonly dataOffset?: number;
  readonly isSpoilt?: boolean;
}

/** A segment to the closed port. */
export function tcp(
  family: Family,
  flags: number,
  { text = 0, dataOffset = 5, isSpoilt = false }: SegmentFields = {},
): Uint8Array {
  const numbers = octets(u32(1_000_000), u32(2_000_000));
  const segment = octets(u16(5555), u16(CLOSED), numbers, dataOffset << 4, flags, u16(1024), u32(0), pattern(text));
  const pseudo = octets(octetsOf(theirs[family]), octetsOf(ours[family]), u32(segment.length), 0, 0, 0, 6);
  const sum = internetChecksum(octets(pseudo, segment));
  segment.set(u16(isSpoilt ? sum ^ 1 : sum), 16);
  return packet(family, 6, segment);
}

/** The packet with one octet changed. */
export function changed(bytes: Uint8Array, at: number, change: (octet: number) => number): Uint8Array {
  const copy = bytes.slice();
  copy[at] = change(copy[at]!);
  return copy;
}

/** The IPv4 packet with another octet in its header, which has a right checksum again. */
export function withOctet(bytes: Uint8Array, at: number, octet: number): Uint8Array {
  const copy = changed(bytes, at, () => octet);
  copy.set([0, 0], 10);
  const length = Math.min(Math.max((copy[0]! & 15) * 4, 20), copy.length);
  copy.set(u16(internetChecksum(copy.subarray(0, length))), 10);
  return copy;
}

/** Two octets of zero instead of the checksum at `at`. */
export function withoutChecksum(bytes: Uint8Array, at: number): Uint8Array {
  return octets(bytes.subarray(0, at), 0, 0, bytes.subarray(at + 2));
}

/** UDP to the closed port. */
export const toClosed = (family: Family, length = 12): Uint8Array => udp(family, [5555, CLOSED], pattern(length));
