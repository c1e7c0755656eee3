/** What a receiver of numbered datagrams counts: losses, disorder, and the jitter of RFC 1889 section 6.3.1 (now RFC 3550, 6.4.1). */
export class Arrivals {
  /** The highest number that has come. */
  packets = 0;
  lost = 0;
  outOfOrder = 0;
  /** Seconds. */
  jitter = 0;
  #transit = 0;
  #isFirst = true;

  /** @param number of the datagram, from 1 on @param transit seconds on its way, by two clocks that need not agree */
  take(number: number, transit: number): void {
    if (number > this.packets) {
      this.lost += number - this.packets - 1;
      this.packets = number;
    } else {
      this.outOfOrder++;
      if (this.lost > 0) this.lost--; // it had been given up too early
    }
    if (!this.#isFirst) this.jitter += (Math.abs(transit - this.#transit) - this.jitter) / 16;
    this.#isFirst = false;
    this.#transit = transit;
  }
}
