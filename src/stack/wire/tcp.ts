import type { Address } from '../base/address.ts';
import { empty, getUint8, getUint16, getUint32, setUint16 } from '../base/bytes.ts';
import { finishChecksum, pseudoHeaderSum, sumBytes } from '../base/checksum.ts';
import type { DropReason } from '../base/counters.ts';
import { type Seq, seqZero, toSeq } from '../base/seq.ts';
import { type Datagram, protocolTcp } from './datagram.ts';
import { readOptions, TcpOptionsRead } from './tcp-options.ts';

/**
 * The TCP header (RFC 9293 section 3.1).
 *
 *     0                   1                   2                   3
 *     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *    |          source port          |       destination port        |   0
 *    |                        sequence number                        |   4
 *    |                     acknowledgment number                     |   8
 *    | offset| rsrvd |C|E|U|A|P|R|S|F|            window             |  12
 *    |           checksum            |         urgent pointer        |  16
 */
export const tcpHeaderLength = 20;

/** Where in it the checksum stands. */
export const checksumOffset = 16;

export const FIN = 0x01;
export const SYN = 0x02;
export const RST = 0x04;
export const PSH = 0x08;
export const ACK = 0x10;
export const URG = 0x20;
/** RFC 3168 section 6.1: ECN-Echo and congestion window reduced. */
export const ECE = 0x40;
export const CWR = 0x80;

/** A segment that has arrived. One per stack, refilled for every arrival: never keep a reference to it or its bytes. */
export class Segment {
  bytes: Uint8Array = empty;
  sourcePort = 0;
  destinationPort = 0;
  seq: Seq = seqZero;
  ack: Seq = seqZero;
  flags = 0;
  /** The window field as sent, not scaled. */
  wnd = 0;
  urgentPointer = 0;
  /** The codepoint of the packet (RFC 3168 section 5): 0 not ECN-capable, 1 and 2 capable, 3 congestion experienced. */
  ecn = 0;
  textStart = 0;
  textEnd = 0;
  /** How many segments of the wire it stands for, with so much text in each but the last. */
  count = 1;
  size = 0;
  readonly options: TcpOptionsRead = new TcpOptionsRead();
  #view: Uint8Array = empty;

  /**
   * The octets [start, end) as an array of their own, over the same memory. The one that was made last serves again: bulk text
   * stands at one place of one buffer, and a view is 96 octets of garbage (`npm run bench -- core`).
   */
  view(start: number, end: number): Uint8Array {
    const { bytes } = this;
    const at = bytes.byteOffset + start;
    if (this.#view.byteOffset !== at || this.#view.length !== end - start || this.#view.buffer !== bytes.buffer) {
      this.#view = bytes.subarray(start, end);
    }
    return this.#view;
  }

  /** Octets of text. */
  get textLength(): number {
    return this.textEnd - this.textStart;
  }

  /** SEG.LEN counts SYN and FIN as one octet each (RFC 9293 section 3.4). */
  get len(): number {
    return this.textEnd - this.textStart + ((this.flags & SYN) >> 1) + (this.flags & FIN);
  }
}

/** Reads and verifies the TCP header and options of a datagram. Returns why it is no segment, or null when it is one. */
export function readSegment(datagram: Datagram, into: Segment): DropReason | null {
  const { bytes, payloadStart: start, payloadEnd: end } = datagram;
  if (end - start < tcpHeaderLength) return 'malformed TCP header';
  const offset = (getUint8(bytes, start + 12) >> 4) * 4;
  if (offset < tcpHeaderLength || offset > end - start) return 'malformed TCP header';
  if (!datagram.isVerified) {
    const sum = pseudoHeaderSum(datagram.source, datagram.destination, protocolTcp, end - start);
    if (finishChecksum(sumBytes(bytes, start, end, sum)) !== 0) return 'bad TCP checksum'; // MUST-3
  }
  into.bytes = bytes;
  into.sourcePort = getUint16(bytes, start);
  into.destinationPort = getUint16(bytes, start + 2);
  into.seq = toSeq(getUint32(bytes, start + 4));
  into.ack = toSeq(getUint32(bytes, start + 8));
  into.flags = getUint8(bytes, start + 13);
  into.wnd = getUint16(bytes, start + 14);
  into.ecn = datagram.trafficClass & 3;
  into.urgentPointer = getUint16(bytes, start + 18);
  into.textStart = start + offset;
  into.textEnd = end;
  const text = end - into.textStart;
  const { segmentSize } = datagram;
  into.size = segmentSize > 0 && segmentSize < text ? segmentSize : text;
  into.count = into.size < text ? Math.ceil(text / into.size) : 1;
  return readOptions(bytes, start + tcpHeaderLength, start + offset, into.options);
}

/**
 * Fills in the checksum of a segment that stands at bytes[at, at + length); `isPartial`: only the sum over the pseudo-header,
 * to which the device adds the rest.
 */
export function finishSegment(
  bytes: Uint8Array,
  at: number,
  length: number,
  local: Address,
  remote: Address,
  isPartial = false,
): void {
  const sum = pseudoHeaderSum(local, remote, protocolTcp, length);
  if (isPartial) return setUint16(bytes, at + checksumOffset, ~finishChecksum(sum) & 0xffff);
  setUint16(bytes, at + checksumOffset, 0);
  setUint16(bytes, at + checksumOffset, finishChecksum(sumBytes(bytes, at, at + length, sum)));
}
