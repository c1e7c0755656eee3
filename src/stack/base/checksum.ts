import type { Address } from './address.ts';

/**
 * The Internet checksum (RFC 1071): the ones' complement of the ones' complement sum of all 16-bit words.
 *
 * Sums are passed around as plain numbers below 2^32 and folded to 16 bits at the end. The sum does not depend on the
 * byte order of the machine so long as the result is swapped once (RFC 1071 section 2 B), which lets `sumBytes` add
 * aligned 32-bit words: the checksum is the largest single cost per packet.
 */

const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** Views of the buffers seen last: a DataView or typed array made per packet costs 50 ns. */
let wordsOf: ArrayBufferLike = new ArrayBuffer(0);
let words: Uint32Array = new Uint32Array(0);

/** Something that sums up octets of a memory of its own, faster than a program in this language can. */
export interface ChecksumKernel {
  readonly memory: ArrayBufferLike;
  /** The sum of the 16-bit words of memory[start, start + length) in little-endian order, for 16 to 65,535 octets. */
  readonly sum: (start: number, length: number) => number;
}

let kernelMemory: ArrayBufferLike | null = null;
let kernelSum: ChecksumKernel['sum'] = () => 0;

/** From now on, what is in the kernel's memory is summed up by the kernel. */
export function installChecksumKernel(kernel: ChecksumKernel): void {
  kernelMemory = kernel.memory;
  kernelSum = kernel.sum;
}

/** Adds bytes[start, end) to `sum`. An odd last octet counts as the upper half of a word. */
export function sumBytes(bytes: Uint8Array, start: number, end: number, sum: number): number {
  let at = start;
  if (end - start >= 64 && bytes.buffer === kernelMemory) {
    let partial = kernelSum(bytes.byteOffset + start, end - start) >>> 0;
    partial = (partial & 0xffff) + (partial >>> 16);
    partial = (partial & 0xffff) + (partial >>> 16);
    return sum + (((partial & 0xff) << 8) | (partial >>> 8));
  }
  if (((bytes.byteOffset + start) & 3) === 0 && end - start >= 16) {
    if (bytes.buffer !== wordsOf) {
      wordsOf = bytes.buffer;
      words = new Uint32Array(wordsOf, 0, wordsOf.byteLength >>> 2);
    }
    const first = (bytes.byteOffset + start) >>> 2;
    const count = (end - start) >>> 2;
    const last = first + count;
    let low = 0; // at most 2^14 words of 2^16 each: stays below 2^31
    let high = 0;
    for (let index = first; index < last; index++) {
      const word = words[index]!;
      low += word & 0xffff;
      high += word >>> 16;
    }
    let partial = low + high;
    partial = (partial & 0xffff) + (partial >>> 16);
    partial = (partial & 0xffff) + (partial >>> 16);
    sum += littleEndian ? ((partial & 0xff) << 8) | (partial >>> 8) : partial;
    at = start + count * 4;
  }
  for (; at + 1 < end; at += 2) sum += (bytes[at]! << 8) | bytes[at + 1]!;
  if (at < end) sum += bytes[at]! << 8;
  return sum;
}

/** Folds a sum to 16 bits and complements it: the value for a checksum field. A sum that includes a right field gives 0. */
export function finishChecksum(sum: number): number {
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return ~sum & 0xffff;
}

export const checksum = (bytes: Uint8Array, start: number, end: number): number =>
  finishChecksum(sumBytes(bytes, start, end, 0));

const sumWord = (word: number): number => (word >>> 16) + (word & 0xffff);

/**
 * The sum over the pseudo-header of IPv4 (RFC 9293 section 3.1) or IPv6 (RFC 8200 section 8.1).
 * One formula serves both: the two differ in layout only, and the prefix of a mapped IPv4 address is left out.
 */
export function pseudoHeaderSum(source: Address, destination: Address, protocol: number, length: number): number {
  let sum = sumWord(source.w3) + sumWord(destination.w3) + protocol + sumWord(length);
  if (!(source.w2 === 0xffff && source.w1 === 0 && source.w0 === 0)) {
    sum += sumWord(source.w0) + sumWord(source.w1) + sumWord(source.w2);
    sum += sumWord(destination.w0) + sumWord(destination.w1) + sumWord(destination.w2);
  }
  return sum;
}

/** RFC 1624: the checksum after one 16-bit word of the data has changed from `before` to `after`. */
export function updateChecksum(field: number, before: number, after: number): number {
  let sum = (~field & 0xffff) + (~before & 0xffff) + after;
  sum = (sum & 0xffff) + (sum >>> 16);
  sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
