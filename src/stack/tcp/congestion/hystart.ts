import { type Seq, seqGe } from '../../base/seq.ts';
import { type Micros, ms } from '../../base/time.ts';
import type { AckEvent } from './controller.ts';

/**
 * HyStart++ (RFC 9406): leaves slow start when round trips begin to grow, before packets are lost. First it only slows
 * down ("conservative slow start"), and goes back if the growth was an accident.
 */

const minThreshold: Micros = ms(4);
const maxThreshold: Micros = ms(16);
const samplesNeeded = 8;
const cssGrowthDivisor = 4;
const cssRounds = 5;

export class HyStart {
  /** Where the round ends: SND.NXT at its beginning. */
  #windowEnd: Seq | null = null;
  #lastRoundMin: Micros = Number.POSITIVE_INFINITY;
  #roundMin: Micros = Number.POSITIVE_INFINITY;
  #samples = 0;
  /** The round trip at the entry to conservative slow start; 0 outside of it. */
  #cssBaseline: Micros = 0;
  #cssRoundsLeft = 0;

  /** How many segments cwnd may grow by for this acknowledgment; -1: slow start is over. */
  grow({ acked, rtt, una, nxt }: AckEvent): number {
    if (this.#windowEnd === null || seqGe(una, this.#windowEnd)) {
      if (this.#cssBaseline > 0 && this.#windowEnd !== null && --this.#cssRoundsLeft <= 0) return -1;
      this.#windowEnd = nxt;
      this.#lastRoundMin = this.#roundMin;
      this.#roundMin = Number.POSITIVE_INFINITY;
      this.#samples = 0;
    }
    if (rtt >= 0) {
      this.#roundMin = Math.min(this.#roundMin, rtt);
      this.#samples++;
    }
    if (this.#samples >= samplesNeeded) this.#compare();
    return this.#cssBaseline > 0 ? acked / cssGrowthDivisor : acked;
  }

  #compare(): void {
    if (this.#cssBaseline > 0) {
      if (this.#roundMin < this.#cssBaseline) this.#cssBaseline = 0; // it was an accident: slow start again
      return;
    }
    if (!Number.isFinite(this.#lastRoundMin)) return;
    const threshold = Math.max(minThreshold, Math.min(this.#lastRoundMin / 8, maxThreshold));
    if (this.#roundMin < this.#lastRoundMin + threshold) return;
    this.#cssBaseline = this.#roundMin;
    this.#cssRoundsLeft = cssRounds;
  }
}
