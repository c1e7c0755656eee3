import { type Seq, seqGt, seqZero } from '../base/seq.ts';
import type { Micros } from '../base/time.ts';

/** The timeout before the first measurement, and its floor and ceiling. */
export interface RtoBounds {
  readonly rtoInitial: Micros;
  readonly rtoMin: Micros;
  readonly rtoMax: Micros;
}

/**
 * The retransmission timeout (RFC 6298) as Linux makes it: SRTT, and four times the variation, which is not taken for less than
 * 50 ms. The variation follows samples at once when they are late, but falls only once in a round trip, by a quarter, so that many
 * samples of one flight do not count for many round trips (RFC 7323 section 4.2). Round trips that become shorter are no reason to
 * wait longer. All numbers are whole: they need no place of their own on the heap.
 */
export class Rtt {
  /** Smoothed round-trip time, in eighths; 0 until the first sample. */
  #srtt8 = 0;
  /** Smoothed deviation, in quarters; the largest of this round trip; and what the timeout is made of. */
  #deviation4 = 0;
  #most4 = 0;
  #used4 = 0;
  /** SND.NXT at the beginning of the round trip that is measured now. */
  #roundEnd: Seq = seqZero;
  /** The smallest round trip seen. */
  min: Micros = Number.POSITIVE_INFINITY;
  rto: Micros;
  /** How often it has been doubled since the last measurement. */
  backoffs = 0;
  readonly #bounds: RtoBounds;

  constructor(bounds: RtoBounds) {
    this.rto = bounds.rtoInitial;
    this.#bounds = bounds;
  }

  /** Smoothed round-trip time; 0 until the first sample. */
  get srtt(): Micros {
    return this.#srtt8 / 8;
  }

  /** Smoothed deviation of the samples. */
  get deviation(): Micros {
    return this.#deviation4 / 4;
  }

  /**
   * Takes in a measurement, and the shortest of the same acknowledgment, after SND.UNA has moved. It also ends a backoff (RFC 6298
   * section 5.7).
   */
  sample(measured: Micros, shortest: Micros, { una, nxt }: { readonly una: Seq; readonly nxt: Seq }): void {
    // Within one tick of the clock: never a division by zero later. What is longer than any timeout says no more.
    const rtt = Math.max(1, Math.min(Math.floor(measured), longest));
    this.min = Math.min(this.min, Math.max(1, shortest));
    if (this.#srtt8 === 0) {
      this.#srtt8 = 8 * rtt; // section 2.2
      this.#deviation4 = 2 * rtt;
      this.#used4 = Math.max(this.#deviation4, this.#bounds.rtoMin);
      this.#most4 = this.#used4;
      this.#roundEnd = nxt;
    } else this.#smooth(rtt, una, nxt);
    this.#derive();
    this.backoffs = 0;
  }

  /** Section 2.3. */
  #smooth(rtt: Micros, una: Seq, nxt: Seq): void {
    const error = rtt - (this.#srtt8 >> 3);
    this.#srtt8 += error;
    let change = Math.abs(error) - (this.#deviation4 >> 2);
    if (error < 0 && change > 0) change >>= 3;
    this.#deviation4 += change;
    if (this.#deviation4 > this.#most4) {
      this.#most4 = this.#deviation4;
      this.#used4 = Math.max(this.#used4, this.#most4);
    }
    if (!seqGt(una, this.#roundEnd)) return;
    if (this.#most4 < this.#used4) this.#used4 -= (this.#used4 - this.#most4) >> 2;
    this.#roundEnd = nxt;
    this.#most4 = this.#bounds.rtoMin;
  }

  /** The SYN had to be sent again, and nothing could be measured (section 5.7). */
  fallBack(rto: Micros): void {
    if (this.#srtt8 === 0) this.rto = rto;
  }

  /** Section 5.5: "back off the timer". */
  backOff(): void {
    this.rto = Math.min(this.rto * 2, this.#bounds.rtoMax);
    this.backoffs++;
  }

  /** One doubling less (RFC 6069 section 4.2). */
  takeBack(): void {
    this.backoffs--;
    this.#derive();
    this.rto = Math.min(this.rto * 2 ** this.backoffs, this.#bounds.rtoMax);
  }

  /** No doubling: the next timeout comes after the same time. */
  stayLinear(): void {
    this.backoffs = 0;
    this.#derive();
  }

  #derive(): void {
    this.rto = Math.min((this.#srtt8 >> 3) + this.#used4, this.#bounds.rtoMax);
  }
}

/** 134 s: eight times that are a small integer. */
const longest: Micros = 2 ** 27;
