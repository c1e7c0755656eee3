import type { Micros } from '../base/time.ts';

/** The timeout before the first measurement, and its floor and ceiling. */
export interface RtoBounds {
  readonly rtoInitial: Micros;
  readonly rtoMin: Micros;
  readonly rtoMax: Micros;
}

/** The retransmission timeout (RFC 6298), with Linux's floor: RTO = SRTT + max(4 RTTVAR, 200 ms). */
export class Rtt {
  /** Smoothed round-trip time; 0 until the first sample. */
  srtt: Micros = 0;
  rttvar: Micros = 0;
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

  /** Takes in a measurement, and the shortest of the same acknowledgment. It also ends a backoff (RFC 6298 section 5.7). */
  sample(measured: Micros, shortest: Micros = measured): void {
    const rtt = Math.max(1, measured); // within one tick of the clock: never a division by zero later
    this.min = Math.min(this.min, Math.max(1, shortest));
    if (this.srtt === 0) {
      this.srtt = rtt; // section 2.2
      this.rttvar = Math.round(rtt / 2);
    } else {
      // Section 2.3, RTTVAR first. Whole numbers need no place of their own on the heap.
      this.rttvar += Math.round((Math.abs(this.srtt - rtt) - this.rttvar) / 4);
      this.srtt += Math.round((rtt - this.srtt) / 8);
    }
    this.#derive();
    this.backoffs = 0;
  }

  /** The SYN had to be sent again, and nothing could be measured (section 5.7). */
  fallBack(rto: Micros): void {
    if (this.srtt === 0) this.rto = rto;
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
    this.rto = Math.min(Math.round(this.srtt + Math.max(4 * this.rttvar, this.#bounds.rtoMin)), this.#bounds.rtoMax);
  }
}
