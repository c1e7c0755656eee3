/**
 * Sequence numbers: arithmetic on a circle of 2^32 points (RFC 9293 section 3.4).
 *
 * "Before" and "after" mean something only for numbers less than half the circle apart, and every window is far smaller
 * than that. Plain `<` goes wrong at the wrap, so nothing outside this file compares sequence numbers by itself.
 */
declare const seqBrand: unique symbol;

/**
 * A point on the circle, as a signed number of 32 bits: V8 keeps those without a place on the heap, so that storing one makes no
 * garbage (`npm run bench -- core`). Only ever made here: `una + 1` is a plain number, so assigning it back is a type error. To
 * print it as the wire has it: `seq >>> 0`.
 */
export type Seq = number & { readonly [seqBrand]: 'Seq' };

export const seqZero = 0 as Seq;
/** Any number taken as a point on the circle. */
export const toSeq = (value: number): Seq => (value | 0) as Seq;
export const seqAdd = (a: Seq, octets: number): Seq => ((a + octets) | 0) as Seq;
/** How far `a` lies ahead of `b`: negative when it lies behind. */
export const seqSub = (a: Seq, b: Seq): number => (a - b) | 0;
export const seqLt = (a: Seq, b: Seq): boolean => ((a - b) | 0) < 0;
export const seqLe = (a: Seq, b: Seq): boolean => ((a - b) | 0) <= 0;
export const seqGt = (a: Seq, b: Seq): boolean => ((a - b) | 0) > 0;
export const seqGe = (a: Seq, b: Seq): boolean => ((a - b) | 0) >= 0;
export const seqMax = (a: Seq, b: Seq): Seq => (seqGt(a, b) ? a : b);
export const seqMin = (a: Seq, b: Seq): Seq => (seqLt(a, b) ? a : b);
