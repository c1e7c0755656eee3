import { type Micros, seconds } from '../../base/time.ts';
import type { AckEvent, CongestionController, Window } from './controller.ts';
import { HyStart } from './hystart.ts';

/**
 * CUBIC (RFC 9438): after a loss, cwnd grows along a cubic curve of the time since then, flat where the loss was, so that it
 * depends little on the round trip; where Reno would be faster, it keeps up with Reno. Sizes in segments.
 */

/** Section 5: how steep the curve is, in segments per second cubed, and what is left of cwnd after a loss. */
const steepness = 0.4;
const beta = 0.7;
/** Section 4.3: Reno's growth at this beta, until cwnd is what it was before the loss. */
const renoAlpha = (3 * (1 - beta)) / (1 + beta);
const leastWindow = 2;

/** What a loss took, should it turn out to have been none. */
interface Snapshot extends Window {
  readonly wMax: number;
  readonly cwndPrior: number;
  readonly epochStart: Micros;
  readonly k: number;
  readonly wEst: number;
  readonly isFirstSlowStart: boolean;
  readonly hyStart: HyStart | null;
}

export class Cubic implements CongestionController {
  cwnd: number;
  ssthresh: number;
  /** Where the curve is flat. */
  #wMax = 0;
  /** When the curve begins; -1 until the first acknowledgment after a loss. Time without anything to send does not count. */
  #epochStart: Micros = -1;
  /** Seconds from there to the flat place. */
  #k = 0;
  /** cwnd where the curve began, and before the loss. */
  #cwndPrior = 0;
  #wEst = 0;
  /** Parts of a segment that cwnd has grown by. */
  #credit = 0;
  #lastAt: Micros = 0;
  /** Nothing has been lost yet: the end of slow start is to be found (RFC 9406), by what is made when cwnd first grows. */
  #isFirstSlowStart = true;
  #hyStart: HyStart | null = null;
  #before: Snapshot | null = null;

  constructor({ cwnd, ssthresh }: Window) {
    this.cwnd = cwnd;
    this.ssthresh = ssthresh;
  }

  get name(): string {
    return 'cubic';
  }

  onAck(event: AckEvent): void {
    const { isLimited, now } = event;
    const passed = now - this.#lastAt;
    this.#lastAt = now;
    if (!isLimited) {
      // Section 4.2: growth for time in which nothing was tried would be a leap into the dark.
      if (this.#epochStart >= 0) this.#epochStart += passed;
      return;
    }
    if (this.cwnd < this.ssthresh) this.#slowStart(event);
    else this.#avoidCongestion(event);
    const whole = Math.floor(this.#credit);
    this.cwnd += whole;
    this.#credit -= whole;
  }

  #slowStart(event: AckEvent): void {
    if (this.#isFirstSlowStart) this.#hyStart ??= new HyStart();
    const growth = this.#hyStart?.grow(event) ?? event.acked;
    if (growth < 0) {
      this.ssthresh = this.cwnd;
      this.#endFirstSlowStart();
      return;
    }
    this.#credit += Math.min(growth, this.ssthresh - this.cwnd);
  }

  #endFirstSlowStart(): void {
    this.#isFirstSlowStart = false;
    this.#hyStart = null;
  }

  #avoidCongestion({ acked, minRtt, now }: AckEvent): void {
    const { cwnd } = this;
    if (this.#epochStart < 0) this.#beginEpoch(now);
    const ahead = Number.isFinite(minRtt) ? minRtt : 0;
    const t = (now - this.#epochStart + ahead) / seconds(1);
    const curve = this.#wMax + steepness * (t - this.#k) ** 3;
    const target = Math.max(cwnd, Math.min(curve, cwnd * 1.5)); // section 4.2
    this.#wEst += ((this.#wEst >= this.#cwndPrior ? 1 : renoAlpha) * acked) / cwnd;
    if (this.#wEst > target)
      this.#credit += Math.max(0, this.#wEst - cwnd - this.#credit); // section 4.3
    else this.#credit += (acked * (target - cwnd)) / cwnd; // sections 4.4 and 4.5
  }

  #beginEpoch(now: Micros): void {
    this.#epochStart = now;
    this.#wEst = this.cwnd;
    if (this.cwnd < this.#wMax) this.#k = Math.cbrt((this.#wMax - this.cwnd) / steepness);
    else {
      this.#k = 0;
      this.#wMax = this.cwnd;
    }
  }

  onCongestion(): void {
    this.#reduce();
    this.cwnd = this.ssthresh;
  }

  onIdle(timeouts: number, initialWindow: number): void {
    this.ssthresh = Math.max(this.ssthresh, Math.floor((this.cwnd * 3) / 4));
    this.cwnd = Math.max(this.cwnd >> Math.min(timeouts, 30), Math.min(initialWindow, this.cwnd));
  }

  /** Section 5.8: the curve stands still while nothing is sent. */
  onRestart(pause: Micros, _isUsers: boolean, now: Micros): void {
    if (this.#epochStart >= 0) this.#epochStart = Math.min(this.#epochStart + pause, now);
    this.#lastAt = now;
  }

  rescale(factor: number): void {
    this.cwnd = Math.max(1, Math.floor(this.cwnd * factor));
    this.ssthresh = Math.max(2, Math.floor(this.ssthresh * factor));
  }

  onRecovered(): void {
    this.cwnd = Math.min(this.cwnd, this.ssthresh);
  }

  onTimeout(_inFlight: number, isFirst: boolean): void {
    if (isFirst) this.#reduce();
    this.#epochStart = -1;
    this.cwnd = 1;
    this.#credit = 0;
  }

  /** Section 4.9.2: everything as it was. */
  undo(): void {
    const before = this.#before;
    if (before === null) return;
    this.cwnd = Math.max(this.cwnd, before.cwnd);
    this.ssthresh = Math.max(this.ssthresh, before.ssthresh);
    this.#wMax = before.wMax;
    this.#cwndPrior = before.cwndPrior;
    this.#epochStart = before.epochStart;
    this.#k = before.k;
    this.#wEst = before.wEst;
    this.#isFirstSlowStart = before.isFirstSlowStart;
    this.#hyStart = before.hyStart;
    this.#before = null;
  }

  /** Sections 4.6 and 4.7: with fast convergence, so that a newcomer finds room. */
  #reduce(): void {
    this.#before = {
      cwnd: this.cwnd,
      ssthresh: this.ssthresh,
      wMax: this.#wMax,
      cwndPrior: this.#cwndPrior,
      epochStart: this.#epochStart,
      k: this.#k,
      wEst: this.#wEst,
      isFirstSlowStart: this.#isFirstSlowStart,
      hyStart: this.#hyStart,
    };
    this.#cwndPrior = this.cwnd;
    this.#wMax = this.cwnd < this.#wMax ? (this.cwnd * (1 + beta)) / 2 : this.cwnd;
    this.ssthresh = Math.max(leastWindow, Math.floor(this.cwnd * beta));
    this.#epochStart = -1;
    this.#credit = 0;
    this.#endFirstSlowStart();
  }
}
