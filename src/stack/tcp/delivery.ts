import { type Seq, seqGt, seqLe, seqSub, seqZero } from '../base/seq.ts';
import type { Micros } from '../base/time.ts';

/** What is noted of a segment when it leaves, for the rate at which text arrives (rate.ts). */
export interface SentNote {
  delivered: number;
  deliveredAt: Micros;
  firstSentAt: Micros;
  isAppLimited: boolean;
}

/** What an acknowledgment says of the segments that were sent. One per stack, filled anew for each acknowledgment. */
export class Delivery {
  /** Segments that have arrived and that no earlier acknowledgment has told of; and how many of them by SACK alone. */
  arrived = 0;
  sackedNow = 0;
  /** Was one of them sent once only, before `recover`? */
  originalArrived = false;
  /** Was one of them sent more than once? */
  repeatedArrived = false;
  /** One that was sent once only has arrived after a later one; and octets by which the farthest such was overtaken. */
  sawReordering = false;
  reorderedBy = 0;
  /** The one that was sent last, -1 for none (RFC 8985 section 6.2), and what was known when it left. */
  newestSentAt: Micros = -1;
  newestEnd: Seq = seqZero;
  /** When the one left that was looked at last, those that SND.UNA has passed after those of SACK: RACK's round trip. */
  latestPassedAt: Micros = -1;
  latestSackedAt: Micros = -1;
  /** What has come twice was sent twice by us, and not as a tail probe: segments are given up too early. */
  wasGivenUpEarly = false;
  /** What has come twice is the tail probe. */
  tellsOfProbe = false;
  readonly newest: SentNote = { delivered: 0, deliveredAt: 0, firstSentAt: 0, isAppLimited: false };
  /** When the first in the log left for the last time: no later echo of its time is its own. */
  headSentAt: Micros = -1;
  /**
   * When the oldest and the newest left that SND.UNA has passed now, those aside that SACK had told of: they measure round
   * trips. -1: none, or one of them was sent twice.
   */
  oldestPassedAt: Micros = -1;
  newestPassedAt: Micros = -1;
  /** The same of those that SACK tells of now and that were sent once. */
  oldestSackedAt: Micros = -1;
  newestSackedAt: Micros = -1;
  #recover: Seq = seqZero;
  /** Copies sent after this cannot be what has arrived. */
  #plausibleUntil: Micros = 0;
  #highestBefore: Seq | null = null;

  /**
   * Nothing has been told yet.
   * @param highest the highest end that has arrived so far, null for none
   */
  begin(plausibleUntil: Micros, recover: Seq, highest: Seq | null): void {
    this.arrived = 0;
    this.sackedNow = 0;
    this.originalArrived = false;
    this.repeatedArrived = false;
    this.sawReordering = false;
    this.reorderedBy = 0;
    this.newestSentAt = -1;
    this.latestPassedAt = -1;
    this.latestSackedAt = -1;
    this.wasGivenUpEarly = false;
    this.tellsOfProbe = false;
    this.headSentAt = -1;
    this.oldestPassedAt = -1;
    this.newestPassedAt = -1;
    this.oldestSackedAt = -1;
    this.newestSackedAt = -1;
    this.#recover = recover;
    this.#plausibleUntil = plausibleUntil;
    this.#highestBefore = highest;
  }

  /**
   * So many segments have arrived that end at `end`: SND.UNA has passed them, or SACK tells of them. Returns whether they are the
   * newest.
   */
  add(segments: number, end: Seq, sentAt: Micros, wasSentAgain: boolean, isPassed: boolean): boolean {
    this.arrived += segments;
    // What came with the same acknowledgment is told in any order: only earlier ones count.
    if (wasSentAgain) this.repeatedArrived = true;
    else {
      if (this.#highestBefore !== null && seqGt(this.#highestBefore, end)) {
        this.sawReordering = true;
        this.reorderedBy = Math.max(this.reorderedBy, seqSub(this.#highestBefore, end));
      }
      if (seqLe(end, this.#recover)) this.originalArrived = true;
    }
    if (wasSentAgain && sentAt > this.#plausibleUntil) return false;
    if (isPassed) this.latestPassedAt = sentAt;
    else this.latestSackedAt = sentAt;
    const isNewest = sentAt > this.newestSentAt || (sentAt === this.newestSentAt && seqGt(end, this.newestEnd));
    if (!isNewest) return false;
    this.newestSentAt = sentAt;
    this.newestEnd = end;
    return true;
  }

  /** SND.UNA has passed a segment that left at `sentAt`. */
  addPassed(sentAt: Micros): void {
    if (this.oldestPassedAt < 0 || sentAt < this.oldestPassedAt) this.oldestPassedAt = sentAt;
    if (sentAt > this.newestPassedAt) this.newestPassedAt = sentAt;
  }

  /** SACK tells of a segment that left at `sentAt`, for the first and only time. */
  addSacked(sentAt: Micros): void {
    if (this.oldestSackedAt < 0 || sentAt < this.oldestSackedAt) this.oldestSackedAt = sentAt;
    if (sentAt > this.newestSackedAt) this.newestSackedAt = sentAt;
  }
}
