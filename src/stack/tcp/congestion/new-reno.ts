import type { AckEvent, CongestionController, Window } from './controller.ts';

/** The congestion control of RFC 5681: slow start, then one segment more per round trip; halved at a loss. */
export class NewReno implements CongestionController {
  readonly name: string = 'reno';
  cwnd: number;
  ssthresh: number;
  /** Segments acknowledged since cwnd last grew in congestion avoidance. */
  #acked = 0;
  /** What the last loss took. */
  #before: Window | null = null;

  constructor({ cwnd, ssthresh }: Window) {
    this.cwnd = cwnd;
    this.ssthresh = ssthresh;
  }

  onAck(event: AckEvent): void {
    if (!event.isLimited) return; // a window that is not used says nothing about the way (RFC 7661)
    let { acked } = event;
    if (this.cwnd < this.ssthresh) {
      const grown = Math.min(this.cwnd + acked, this.ssthresh);
      acked -= grown - this.cwnd;
      this.cwnd = grown;
    }
    if (acked === 0) return;
    this.#acked += acked;
    if (this.#acked >= this.cwnd) {
      this.#acked -= this.cwnd;
      this.cwnd++;
    }
  }

  onCongestion(inFlight: number): void {
    this.#before = { cwnd: this.cwnd, ssthresh: this.ssthresh };
    this.ssthresh = Math.max(inFlight >> 1, 2); // RFC 5681 equation 4: from the flight, not from cwnd
    this.cwnd = this.ssthresh;
    this.#acked = 0;
  }

  undo(): void {
    if (this.#before === null) return;
    this.cwnd = Math.max(this.cwnd, this.#before.cwnd);
    this.ssthresh = Math.max(this.ssthresh, this.#before.ssthresh);
    this.#before = null;
  }

  onIdle(timeouts: number, initialWindow: number): void {
    this.ssthresh = Math.max(this.ssthresh, Math.floor((this.cwnd * 3) / 4));
    this.cwnd = Math.max(this.cwnd >> Math.min(timeouts, 30), Math.min(initialWindow, this.cwnd));
  }

  rescale(factor: number): void {
    this.cwnd = Math.max(1, Math.floor(this.cwnd * factor));
    this.ssthresh = Math.max(2, Math.floor(this.ssthresh * factor));
  }

  onRecovered(): void {
    this.cwnd = Math.min(this.cwnd, this.ssthresh);
  }

  onTimeout(inFlight: number, isFirst: boolean): void {
    if (isFirst) {
      this.#before = { cwnd: this.cwnd, ssthresh: this.ssthresh };
      this.ssthresh = Math.max(inFlight >> 1, 2);
    }
    this.cwnd = 1;
    this.#acked = 0;
  }
}
