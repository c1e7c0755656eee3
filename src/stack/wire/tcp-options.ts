import { getUint8, getUint16, getUint32, setUint8, setUint16, setUint32 } from '../base/bytes.ts';
import type { DropReason } from '../base/counters.ts';
import { type Seq, seqZero, toSeq } from '../base/seq.ts';

/**
 * TCP options (RFC 9293 section 3.1): one octet of kind; every kind but end-of-list and no-operation has an octet of
 * length that counts kind, length and value (MUST-68).
 */
const endOfList = 0;
const noOperation = 1;
const maximumSegmentSize = 2; // RFC 9293 section 3.7.1, length 4
const windowScale = 3; // RFC 7323 section 2.2, length 3
const sackPermitted = 4; // RFC 2018 section 2, length 2
const selectiveAck = 5; // RFC 2018 section 3, length 8n + 2
const timestamps = 8; // RFC 7323 section 3.2, length 10
const fastOpen = 34; // RFC 7413 section 2, length 2, or 6 to 18

/** The options of a segment that has arrived. Refilled for every arrival. */
export class TcpOptionsRead {
  /** MSS, or 0 when the option is missing. */
  mss = 0;
  /** Shift count, or -1 when the option is missing. */
  windowScale = -1;
  sackPermitted = false;
  hasTimestamps = false;
  tsVal = 0;
  tsEcr = 0;
  /** Octets of the Fast Open cookie below, 0 when the option asks for one, -1 when it is missing. */
  fastOpenLength = -1;
  readonly fastOpenCookie: Uint8Array = new Uint8Array(16);
  /** How many of the blocks below are filled. */
  sackBlocks = 0;
  readonly sackStart: Seq[] = [seqZero, seqZero, seqZero, seqZero];
  readonly sackEnd: Seq[] = [seqZero, seqZero, seqZero, seqZero];
}

/**
 * Reads the options in bytes[at, end), at any alignment (MUST-64), skipping kinds that it does not know (MUST-6).
 * @returns 'malformed TCP option' when a length is below 2 or runs past the header (MUST-7); known kinds with the wrong
 *   length are skipped
 */
export function readOptions(bytes: Uint8Array, at: number, end: number, into: TcpOptionsRead): DropReason | null {
  into.mss = 0;
  into.windowScale = -1;
  into.sackPermitted = false;
  into.hasTimestamps = false;
  into.sackBlocks = 0;
  into.fastOpenLength = -1;
  while (at < end) {
    const kind = getUint8(bytes, at);
    if (kind === endOfList) return null;
    if (kind === noOperation) {
      at++;
      continue;
    }
    const length = at + 1 < end ? getUint8(bytes, at + 1) : 0;
    if (length < 2 || at + length > end) return 'malformed TCP option';
    if (kind === timestamps && length === 10) {
      into.hasTimestamps = true;
      into.tsVal = getUint32(bytes, at + 2);
      into.tsEcr = getUint32(bytes, at + 6);
    } else if (kind === maximumSegmentSize && length === 4) into.mss = getUint16(bytes, at + 2);
    else if (kind === windowScale && length === 3) into.windowScale = Math.min(getUint8(bytes, at + 2), 14);
    else if (kind === sackPermitted && length === 2) into.sackPermitted = true;
    else if (kind === selectiveAck && length >= 10 && (length - 2) % 8 === 0) {
      into.sackBlocks = (length - 2) / 8; // at most 4: the header has room for no more
      for (let block = 0; block < into.sackBlocks; block++) {
        into.sackStart[block] = toSeq(getUint32(bytes, at + 2 + block * 8));
        into.sackEnd[block] = toSeq(getUint32(bytes, at + 6 + block * 8));
      }
    } else if (kind === fastOpen && isCookieLength(length - 2)) {
      into.fastOpenLength = length - 2;
      for (let octet = 0; octet < length - 2; octet++) into.fastOpenCookie[octet] = getUint8(bytes, at + 2 + octet);
    }
    at += length;
  }
  return null;
}

/** RFC 7413 section 4.1.1. */
const isCookieLength = (length: number): boolean => length === 0 || (length >= 4 && length <= 16 && length % 2 === 0);

/** What a SYN or SYN-ACK offers. */
export interface SynOptions {
  readonly mss: number;
  /** Shift count, or -1 for no offer. */
  readonly windowScale: number;
  readonly sackPermitted: boolean;
  readonly timestamps: boolean;
  readonly tsVal: number;
  readonly tsEcr: number;
  /** A Fast Open cookie, empty to ask for one, or null. */
  readonly cookie: Uint8Array | null;
}

/** Writes the options of a SYN in Linux's order and alignment. Returns the octets written, a multiple of 4. */
export function writeSynOptions(into: Uint8Array, start: number, offer: SynOptions): number {
  let at = start;
  setUint8(into, at, maximumSegmentSize);
  setUint8(into, at + 1, 4);
  setUint16(into, at + 2, offer.mss);
  at += 4;
  if (offer.timestamps) {
    if (offer.sackPermitted) {
      setUint8(into, at, sackPermitted);
      setUint8(into, at + 1, 2);
      at += 2;
    } else at = writePadding(into, at, 2);
    setUint8(into, at, timestamps);
    setUint8(into, at + 1, 10);
    setUint32(into, at + 2, offer.tsVal);
    setUint32(into, at + 6, offer.tsEcr);
    at += 10;
  } else if (offer.sackPermitted) {
    at = writePadding(into, at, 2);
    setUint8(into, at, sackPermitted);
    setUint8(into, at + 1, 2);
    at += 2;
  }
  if (offer.windowScale >= 0) {
    at = writePadding(into, at, 1);
    setUint8(into, at, windowScale);
    setUint8(into, at + 1, 3);
    setUint8(into, at + 2, offer.windowScale);
    at += 3;
  }
  if (offer.cookie !== null) {
    setUint8(into, at, fastOpen);
    setUint8(into, at + 1, 2 + offer.cookie.length);
    for (const [octet, value] of offer.cookie.entries()) setUint8(into, at + 2 + octet, value);
    at += 2 + offer.cookie.length;
    at = writePadding(into, at, (4 - ((at - start) & 3)) & 3);
  }
  return at - start;
}

export const timestampsLength = 12;

/** Writes `nop, nop, TS`: 12 octets. */
export function writeTimestamps(into: Uint8Array, start: number, tsVal: number, tsEcr: number): void {
  const at = writePadding(into, start, 2);
  setUint8(into, at, timestamps);
  setUint8(into, at + 1, 10);
  setUint32(into, at + 2, tsVal);
  setUint32(into, at + 6, tsEcr);
}

/** Octets that `count` SACK blocks take with their padding. */
export const sackLength = (count: number): number => (count === 0 ? 0 : 4 + 8 * count);

/** Writes `nop, nop, sack` for blocks[0, count): pairs of left and right edge. */
export function writeSack(into: Uint8Array, start: number, edges: readonly Seq[], count: number): void {
  let at = writePadding(into, start, 2);
  setUint8(into, at, selectiveAck);
  setUint8(into, at + 1, 2 + 8 * count);
  at += 2;
  for (let edge = 0; edge < count * 2; edge++, at += 4) setUint32(into, at, edges[edge]!);
}

function writePadding(into: Uint8Array, at: number, count: number): number {
  for (let index = 0; index < count; index++) setUint8(into, at + index, noOperation);
  return at + count;
}
