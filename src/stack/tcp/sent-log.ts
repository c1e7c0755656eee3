import { Pool } from '../base/pool.ts';
import { type Seq, seqAdd, seqGt, seqLe, seqMin, seqSub, seqZero } from '../base/seq.ts';
import type { Micros } from '../base/time.ts';
import type { Delivery } from './delivery.ts';
import type { RateState } from './rate-state.ts';

const LOST = 1;
const SACKED = 2;
/** Sent again since it was last taken for lost. */
const RESENT = 4;
/** Sent more than once: its acknowledgment says nothing about the round trip (Karn's rule, RFC 6298 section 3). */
const AMBIGUOUS = 8;
/** Sent with PSH: the end of what the user had written. */
const PUSHED = 16;
/** Sent when the user had no more to send (rate.ts). */
const APP_LIMITED = 32;
/** What of an entry's flags is about the segment, not about its fate. */
const LASTING = AMBIGUOUS | PUSHED | APP_LIMITED;

/**
 * What was sent when: one entry per departure from SND.UNA to SND.NXT, oldest first, each beginning where the one before
 * ends. An entry is a segment, or a burst of them that the device was handed at once; where something happens to a part
 * of a burst, it is split. Parallel typed arrays in a circle, so that sending and acknowledging allocate nothing.
 *
 * All counts are of segments. How many are in flight follows from four of them, as in RFC 6675's pipe:
 * segments - sacked - lost + resent.
 */
export class SentLog {
  /** Where the first entry begins: SND.UNA. */
  start: Seq = seqZero;
  #entries: Entries = noEntries;
  /** As many as were needed last. */
  #usual = leastEntries;
  readonly #rate: RateState;
  #head = 0;
  #count = 0;
  #segments = 0;
  #lost = 0;
  #sacked = 0;
  #resent = 0;
  /** No entry before this one is lost and not yet sent again. */
  #firstLostHint = 0;
  /** Segments that have been taken for lost since the beginning. */
  everLost = 0;
  /** The highest end that has arrived; null before the first. */
  #highestEnd: Seq | null = null;
  /** What the acknowledgment says that is being taken in. */
  readonly #delivery: Delivery;

  constructor(rate: RateState, delivery: Delivery) {
    this.#rate = rate;
    this.#delivery = delivery;
  }

  /** Entries. */
  get length(): number {
    return this.#count;
  }

  /** Segments from SND.UNA to SND.NXT. */
  get segments(): number {
    return this.#segments;
  }

  get sacked(): number {
    return this.#sacked;
  }

  /** Segments sent again that have not arrived yet, as far as is known. */
  get resent(): number {
    return this.#resent;
  }

  get lost(): number {
    return this.#lost;
  }

  /** Segments on their way, as far as is known. `departed` have left the way without being named (duplicate ACKs). */
  inFlight(departed: number): number {
    // One at least is missing, or there would be no duplicates.
    const most = Math.max(0, this.#segments - Math.max(1, this.#lost));
    return Math.max(0, this.#segments - this.#sacked - this.#lost + this.#resent - Math.min(departed, most));
  }

  /** Appends what ends at `end`, sent now for the first time: one segment, or so many with `size` octets of text in each. */
  record(end: Seq, now: Micros, pushed = false, segments = 1, size = 0): void {
    if (this.#count === this.#entries.size) this.#grow();
    if (this.#count === 0) {
      this.#rate.firstSentAt = now;
      this.#rate.deliveredAt = now;
    }
    const slot = this.#slot(this.#count);
    this.#entries.ends[slot] = end;
    this.#entries.flags[slot] = pushed ? PUSHED : 0;
    this.#entries.segmentCounts[slot] = segments;
    this.#entries.segmentSizes[slot] = size;
    this.#noteSending(slot, now);
    this.#count++;
    this.#segments += segments;
  }

  #noteSending(slot: number, now: Micros): void {
    const rate = this.#rate;
    this.#entries.sentAt[slot] = now;
    this.#entries.delivereds[slot] = rate.delivered;
    this.#entries.deliveredAt[slot] = rate.deliveredAt;
    this.#entries.firstSentAt[slot] = rate.firstSentAt;
    if (rate.appLimitedUntil > 0) this.#entries.flags[slot]! |= APP_LIMITED;
    else this.#entries.flags[slot]! &= ~APP_LIMITED;
  }

  /** An acknowledgment is about to be taken in; segments sent again after `plausibleUntil` are not what it is about. */
  beginDelivery(plausibleUntil: Micros, recover: Seq): void {
    this.#delivery.begin(plausibleUntil, recover, this.#highestEnd);
    if (this.#count > 0) this.#delivery.headSentAt = this.#entries.sentAt[this.#head]!;
  }

  /** So many segments of the entry at `slot` have arrived, up to `end`. */
  #delivered(slot: number, segments: number, end: Seq, isPassed: boolean): void {
    const entries = this.#entries;
    if (this.#highestEnd === null || seqGt(end, this.#highestEnd)) this.#highestEnd = end;
    const wasSentAgain = (entries.flags[slot]! & AMBIGUOUS) !== 0;
    if (!this.#delivery.add(segments, end, entries.sentAt[slot]!, wasSentAgain, isPassed)) return;
    const { newest } = this.#delivery;
    newest.delivered = entries.delivereds[slot]!;
    newest.deliveredAt = entries.deliveredAt[slot]!;
    newest.firstSentAt = entries.firstSentAt[slot]!;
    newest.isAppLimited = (entries.flags[slot]! & APP_LIMITED) !== 0;
  }

  /** Drops all that lies before `una`. */
  acknowledge(una: Seq): void {
    let entries = 0;
    let isAmbiguous = false;
    while (this.#count > 0 && seqLe(this.#entries.ends[this.#head]! as Seq, una)) {
      const flags = this.#entries.flags[this.#head]!;
      const count = this.#entries.segmentCounts[this.#head]!;
      if ((flags & AMBIGUOUS) !== 0) isAmbiguous = true;
      if ((flags & SACKED) === 0) {
        this.#delivered(this.#head, count, this.#entries.ends[this.#head]! as Seq, true);
        this.#delivery.addPassed(this.#entries.sentAt[this.#head]!);
      }
      this.#uncount(flags, count);
      this.#segments -= count;
      this.start = this.#entries.ends[this.#head]! as Seq;
      this.#head = (this.#head + 1) & (this.#entries.size - 1);
      this.#count--;
      entries++;
    }
    if (this.#count > 0 && this.#entries.segmentCounts[this.#head]! > 1 && this.#acknowledgePart(una)) {
      const flags = this.#entries.flags[this.#head]!;
      if ((flags & AMBIGUOUS) !== 0) isAmbiguous = true;
      if ((flags & SACKED) === 0) this.#delivery.addPassed(this.#entries.sentAt[this.#head]!);
    }
    this.start = una;
    if (isAmbiguous) {
      this.#delivery.oldestPassedAt = -1;
      this.#delivery.newestPassedAt = -1;
    }
    this.#firstLostHint = Math.max(0, this.#firstLostHint - entries);
    if (this.#count === 0) {
      this.#firstLostHint = 0;
      this.#giveBack();
    }
  }

  /** Of the first entry, a burst, all up to `una` has been acknowledged. Returns whether that were whole segments. */
  #acknowledgePart(una: Seq): boolean {
    const slot = this.#head;
    const count = this.#entries.segmentCounts[slot]!;
    const size = this.#entries.segmentSizes[slot]!;
    const left = seqSub(this.#entries.ends[slot]! as Seq, una);
    // From the front; from the back too, since the front need not lie where a segment began.
    const part = Math.max(0, Math.floor(seqSub(una, this.start) / size), count - Math.ceil(left / size));
    if (part === 0) return false;
    const flags = this.#entries.flags[slot]!;
    if ((flags & SACKED) === 0) this.#delivered(slot, part, una, true);
    this.#uncount(flags, part);
    this.#entries.segmentCounts[slot] = count - part;
    this.#segments -= part;
    return true;
  }

  startOf(index: number): Seq {
    return index === 0 ? this.start : (this.#entries.ends[this.#slot(index - 1)]! as Seq);
  }

  endOf(index: number): Seq {
    return this.#entries.ends[this.#slot(index)]! as Seq;
  }

  sentAt(index: number): Micros {
    return this.#entries.sentAt[this.#slot(index)]!;
  }

  isLost(index: number): boolean {
    return (this.#entries.flags[this.#slot(index)]! & LOST) !== 0;
  }

  isSacked(index: number): boolean {
    return (this.#entries.flags[this.#slot(index)]! & SACKED) !== 0;
  }

  /** The first entry that is lost and has not been sent again, or -1. */
  nextLost(): number {
    if (this.#lost === this.#resent) return -1;
    for (let index = this.#firstLostHint; index < this.#count; index++) {
      if ((this.#entries.flags[this.#slot(index)]! & (LOST | RESENT)) === LOST) {
        this.#firstLostHint = index;
        return index;
      }
    }
    return -1;
  }

  markLost(index: number): void {
    const slot = this.#slot(index);
    const flags = this.#entries.flags[slot]!;
    if ((flags & (LOST | SACKED)) !== 0) return;
    this.#entries.flags[slot] = flags | LOST;
    this.#lost += this.#entries.segmentCounts[slot]!;
    this.everLost += this.#entries.segmentCounts[slot]!;
    if (index < this.#firstLostHint) this.#firstLostHint = index;
  }

  /** Neither arrived nor waiting to be sent again. */
  isOutstanding(index: number): boolean {
    const flags = this.#entries.flags[this.#slot(index)]!;
    return (flags & SACKED) === 0 && (flags & (LOST | RESENT)) !== LOST;
  }

  /** Some entries were sent again, so that the log is not in the order of sending. */
  get hasResent(): boolean {
    return this.#resent > 0;
  }

  /** The entry is lost, also if it had been sent again already. */
  markLostAgain(index: number): void {
    const slot = this.#slot(index);
    if ((this.#entries.flags[slot]! & RESENT) !== 0) {
      this.#entries.flags[slot] = this.#entries.flags[slot]! & ~RESENT;
      this.#resent -= this.#entries.segmentCounts[slot]!;
      this.everLost += this.#entries.segmentCounts[slot]!;
      if (index < this.#firstLostHint) this.#firstLostHint = index;
    } else this.markLost(index);
  }

  /** After a timeout: the first entry is lost, and all that were sent before `when` and have not arrived. */
  markLostBefore(when: Micros): void {
    if (this.#count > 0 && this.sentAt(0) > when) this.isolateFirst(0);
    for (let index = 0; index < this.#count; index++) {
      const slot = this.#slot(index);
      if (index > 0 && ((this.#entries.flags[slot]! & SACKED) !== 0 || this.#entries.sentAt[slot]! > when)) continue;
      this.markLostAgain(index);
    }
    this.#firstLostHint = 0;
  }

  /** The receiver has dropped what it had told of: none of it has arrived after all. */
  forgetSacks(): void {
    for (let index = 0; index < this.#count; index++) this.#entries.flags[this.#slot(index)]! &= ~SACKED;
    this.#sacked = 0;
  }

  /** Nothing was lost: what was sent again is still on its way too, but nothing waits to be. */
  forgetLosses(): void {
    for (let index = 0; index < this.#count; index++) this.#entries.flags[this.#slot(index)]! &= ~(LOST | RESENT);
    this.#lost = 0;
    this.#resent = 0;
  }

  markSacked(index: number): void {
    const slot = this.#slot(index);
    const flags = this.#entries.flags[slot]!;
    if ((flags & SACKED) !== 0) return;
    const segments = this.#entries.segmentCounts[slot]!;
    this.#delivered(slot, segments, this.#entries.ends[slot]! as Seq, false);
    this.#delivery.sackedNow += segments;
    if ((flags & AMBIGUOUS) === 0) this.#delivery.addSacked(this.#entries.sentAt[slot]!);
    this.#uncount(flags, segments);
    this.#entries.flags[slot] = (flags & LASTING) | SACKED;
    this.#sacked += segments;
  }

  markResent(index: number, now: Micros): void {
    const slot = this.#slot(index);
    const flags = this.#entries.flags[slot]!;
    const segments = this.#entries.segmentCounts[slot]!;
    if ((flags & RESENT) === 0) this.#resent += segments;
    if ((flags & LOST) === 0) this.#lost += segments;
    this.#entries.flags[slot] = flags | LOST | RESENT | AMBIGUOUS;
    this.#noteSending(slot, now);
  }

  /** Sent once more to ask for an acknowledgment: nothing is taken for lost. Only of the last entry, so the log stays in order. */
  markProbed(index: number, now: Micros): void {
    const slot = this.#slot(index);
    this.#entries.flags[slot]! |= AMBIGUOUS;
    this.#noteSending(slot, now);
  }

  /** Its acknowledgment measures nothing. */
  markAmbiguous(index: number): void {
    this.#entries.flags[this.#slot(index)]! |= AMBIGUOUS;
  }

  /** Cuts an entry in two: it was a burst, or segments have become smaller since it was sent. */
  split(index: number, at: Seq): void {
    const end = this.endOf(index);
    if (!seqGt(end, at)) return;
    const flags = this.#entries.flags[this.#slot(index)]!;
    const size = this.#entries.segmentSizes[this.#slot(index)]!;
    const before = this.#entries.segmentCounts[this.#slot(index)]!;
    const first = before === 1 ? 1 : Math.min(before, Math.ceil(seqSub(at, this.startOf(index)) / size));
    const second = Math.max(1, before - first);
    if (this.#count === this.#entries.size) this.#grow();
    for (let move = this.#count; move > index; move--) this.#copy(this.#slot(move - 1), this.#slot(move));
    this.#count++;
    this.#entries.ends[this.#slot(index)] = at;
    this.#entries.flags[this.#slot(index)]! &= ~PUSHED;
    this.#entries.segmentCounts[this.#slot(index)] = first;
    this.#entries.segmentCounts[this.#slot(index + 1)] = second;
    this.#segments += first + second - before;
    this.#uncount(flags, before - first - second);
  }

  /** The first segment of a burst becomes an entry of its own. */
  isolateFirst(index: number): void {
    if (this.segmentsOf(index) > 1) this.split(index, this.#startWithin(index, 1));
  }

  /** The last segment of the log becomes an entry of its own. */
  isolateLast(): void {
    const index = this.#count - 1;
    const count = this.segmentsOf(index);
    if (count > 1) this.split(index, this.#startWithin(index, count - 1));
  }

  /**
   * Of a burst that the octets [start, end) cover in part, what they cover of whole segments becomes an entry of its own.
   * @returns the index of that entry, or -1 when no segment is covered
   */
  isolate(index: number, start: Seq, end: Seq): number {
    let at = index;
    if (seqGt(start, this.startOf(at))) {
      const first = Math.ceil(seqSub(start, this.startOf(at)) / this.#sizeOf(at));
      if (first >= this.segmentsOf(at)) return -1;
      this.split(at, this.#startWithin(at, first));
      at++;
    }
    if (!seqGt(this.endOf(at), end)) return at;
    // The last one ends where the entry does, which may be a FIN behind a whole size.
    const whole = Math.min(Math.floor(seqSub(end, this.startOf(at)) / this.#sizeOf(at)), this.segmentsOf(at) - 1);
    if (whole <= 0) return -1;
    this.split(at, this.#startWithin(at, whole));
    return at;
  }

  /** Where a segment of a burst begins. They are counted from the front, since the last may be shorter. */
  #startWithin(index: number, segment: number): Seq {
    return seqAdd(this.startOf(index), segment * this.#sizeOf(index));
  }

  #sizeOf(index: number): number {
    return this.#entries.segmentSizes[this.#slot(index)]!;
  }

  /** Segments of an entry. */
  segmentsOf(index: number): number {
    return this.#entries.segmentCounts[this.#slot(index)]!;
  }

  /** Octets of the longest segment of an entry. */
  sizeOf(index: number): number {
    return this.segmentsOf(index) > 1 ? this.#sizeOf(index) : seqSub(this.endOf(index), this.startOf(index));
  }

  wasPushed(index: number): boolean {
    return (this.#entries.flags[this.#slot(index)]! & PUSHED) !== 0;
  }

  /**
   * Makes one of an entry that is lost and waits to be sent again and its successor, if that has not arrived and both together
   * have not more text than `most` (as Linux). A FIN is what lies beyond `textEnd`.
   */
  joinNext(index: number, most: number, textEnd: Seq): boolean {
    if (index + 1 >= this.#count) return false;
    const [slot, next] = [this.#slot(index), this.#slot(index + 1)];
    const nextFlags = this.#entries.flags[next]!;
    if ((this.#entries.flags[slot]! & (LOST | RESENT | SACKED)) !== LOST || (nextFlags & SACKED) !== 0) return false;
    const end = this.#entries.ends[next]! as Seq;
    if (seqSub(seqMin(end, textEnd), this.startOf(index)) > most) return false; // a FIN takes no room
    const isFinAlone = this.startOf(index + 1) === textEnd;
    this.#segments -= this.#entries.segmentCounts[slot]! + this.#entries.segmentCounts[next]! - 1;
    this.#lost -= this.#entries.segmentCounts[slot]! - 1;
    this.#uncount(nextFlags, this.#entries.segmentCounts[next]!);
    this.#entries.ends[slot] = end;
    const kept = this.#entries.flags[slot]! & (isFinAlone ? AMBIGUOUS | PUSHED : AMBIGUOUS);
    this.#entries.flags[slot] = LOST | (nextFlags & LASTING) | kept;
    this.#entries.segmentCounts[slot] = 1;
    for (let move = index + 1; move < this.#count - 1; move++) this.#copy(this.#slot(move + 1), this.#slot(move));
    this.#count--;
    return true;
  }

  /** The first entry that ends behind `seq`, or `length`. */
  find(seq: Seq): number {
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (seqSub(this.endOf(middle), seq) > 0) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  clear(): void {
    this.#count = 0;
    this.#segments = 0;
    this.#lost = 0;
    this.#sacked = 0;
    this.#resent = 0;
    this.#giveBack();
    this.#head = 0;
    this.#firstLostHint = 0;
  }

  #slot(index: number): number {
    return (this.#head + index) & (this.#entries.size - 1);
  }

  #uncount(flags: number, segments: number): void {
    if ((flags & LOST) !== 0) this.#lost -= segments;
    if ((flags & SACKED) !== 0) this.#sacked -= segments;
    if ((flags & RESENT) !== 0) this.#resent -= segments;
  }

  #copy(from: number, to: number): void {
    this.#entries.copy(to, this.#entries, from);
  }

  #grow(): void {
    const before = this.#entries;
    const after = pool.take(Math.max(this.#usual, before.size * 2));
    for (let index = 0; index < this.#count; index++) after.copy(index, before, this.#slot(index));
    this.#giveBack();
    this.#entries = after;
    this.#usual = after.size;
    this.#head = 0;
  }

  #giveBack(): void {
    if (this.#entries.size > 0) pool.give(this.#entries, this.#entries.size);
    this.#entries = noEntries;
    this.#head = 0;
  }
}

/** The columns of a log. */
class Entries {
  readonly size: number;
  /** Behind the last octet of each. */
  readonly ends: Int32Array;
  readonly sentAt: Float64Array;
  readonly flags: Uint8Array;
  /** How many segments an entry is, and how much text each of them has but the last, which may have less. */
  readonly segmentCounts: Uint16Array;
  readonly segmentSizes: Uint16Array;
  /** What was known when each left (rate.ts): segments delivered, when the last of them was, and when the first left. */
  readonly delivereds: Float64Array;
  readonly deliveredAt: Float64Array;
  readonly firstSentAt: Float64Array;

  constructor(size: number) {
    this.size = size;
    this.ends = new Int32Array(size);
    this.sentAt = new Float64Array(size);
    this.flags = new Uint8Array(size);
    this.segmentCounts = new Uint16Array(size);
    this.segmentSizes = new Uint16Array(size);
    this.delivereds = new Float64Array(size);
    this.deliveredAt = new Float64Array(size);
    this.firstSentAt = new Float64Array(size);
  }

  /** Copies one entry. */
  copy(to: number, from: Entries, slot: number): void {
    this.ends[to] = from.ends[slot]!;
    this.sentAt[to] = from.sentAt[slot]!;
    this.flags[to] = from.flags[slot]!;
    this.segmentCounts[to] = from.segmentCounts[slot]!;
    this.segmentSizes[to] = from.segmentSizes[slot]!;
    this.delivereds[to] = from.delivereds[slot]!;
    this.deliveredAt[to] = from.deliveredAt[slot]!;
    this.firstSentAt[to] = from.firstSentAt[slot]!;
  }
}

const leastEntries = 16;
const noEntries = new Entries(0);
/** An idle connection has no entries (`npm run bench -- memory`). */
const pool: Pool<Entries> = new Pool(1 << 14, (size) => new Entries(size));
