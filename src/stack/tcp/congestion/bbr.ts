import { type Random, randomBelow } from '../../base/random.ts';
import { type Micros, ms, seconds } from '../../base/time.ts';
import type { CongestionController, RateSample, Window } from './controller.ts';

/**
 * BBR, version 1 (draft-cardwell-iccrg-bbr-congestion-control-00): models the way by the rate at which text arrives (BtlBw) and
 * the shortest round trip (RTprop), sends at that rate, and keeps about twice their product in flight. A loss by itself
 * slows nothing down. The names are the draft's; sizes in segments, rates in segments per microsecond.
 *
 *     startup    the rate doubles each round, until it has stopped growing for three
 *     drain      the queue that startup has made empties
 *     probeBw    a cycle of eight phases, one RTprop each: faster, slower, then six at the rate
 *     probeRtt   for 200 ms every 10 s only four segments, so that the round trip can be seen without our queue
 */

type Mode = 'startup' | 'drain' | 'probeBw' | 'probeRtt';

/** 2 / ln 2: doubles the rate in each round. */
const highGain = 2.885;
const cycleGains = [1.25, 0.75, 1, 1, 1, 1, 1, 1] as const;
const cwndGain = 2;
/** Pacing a little below the rate keeps the queue from growing by rounding (as Linux). */
const margin = 0.99;
const bandwidthRounds = 10;
const roundTripLasts: Micros = seconds(10);
const probeRttTime: Micros = ms(200);
const leastWindow = 4;
/** BtlBw has to grow by a quarter in one of three rounds, or the pipe is full. */
const fullGrowth = 1.25;
const fullRounds = 3;

export class Bbr implements CongestionController {
  readonly name: string = 'bbr';
  cwnd: number;
  readonly ssthresh: number = Number.POSITIVE_INFINITY;
  pacingRate: number = Number.POSITIVE_INFINITY;
  readonly #random: Random;
  readonly #initialWindow: number;
  #mode: Mode = 'startup';
  #pacingGain: number = highGain;
  #cwndGain: number = highGain;
  /** The largest rate of each of the last rounds. */
  readonly #rates: Float64Array = new Float64Array(bandwidthRounds);
  /** The last round that has had a rate. */
  #ratedRound = 0;
  #rtProp: Micros = Number.POSITIVE_INFINITY;
  #rtPropAt: Micros = 0;
  /** Rounds: one ends when a segment arrives that was sent after its beginning. */
  #round = 0;
  #roundEnd = 0;
  #roundStarts = false;
  #fullRate = 0;
  #fullCount = 0;
  /** BBR.filled_pipe: once it has been, it stays so. */
  #isFull = false;
  #phase = 0;
  #phaseAt: Micros = 0;
  /** cwnd before a loss or a probe of the round trip. */
  #priorCwnd = 0;
  #wasRecovering = false;
  #wasInRecovery = false;
  /** In the first round of a recovery only as much leaves as arrives. */
  #conservesPackets = false;
  #probeRttEnd: Micros = -1;
  #probeRttRoundDone = false;
  #restarts = false;

  constructor({ cwnd }: Window, random: Random) {
    this.cwnd = cwnd;
    this.#initialWindow = cwnd;
    this.#random = random;
  }

  /** For an observer: what the model says. */
  get mode(): Mode {
    return this.#mode;
  }

  onSample(sample: RateSample): void {
    this.#updateBandwidth(sample);
    this.#updateCycle(sample);
    this.#checkFullPipe(sample);
    this.#checkDrain(sample);
    this.#updateRoundTrip(sample);
    this.#setPacingRate(this.#pacingGain);
    this.#setCwnd(sample);
  }

  // The model (section 4.1) ----------------------------------------------------------------------------------------------

  get #bandwidth(): number {
    let most = 0;
    for (let index = 0; index < bandwidthRounds; index++) most = Math.max(most, this.#rates[index]!);
    return most;
  }

  /** BBRUpdateBtlBw: a sample that the user has slowed down counts only if it is the best all the same. */
  #updateBandwidth({ delivered, interval, priorDelivered, totalDelivered, isAppLimited }: RateSample): void {
    this.#roundStarts = false;
    if (delivered <= 0 || interval <= 0) return;
    if (priorDelivered >= this.#roundEnd) {
      this.#roundEnd = totalDelivered;
      this.#round++;
      this.#roundStarts = true;
      this.#conservesPackets = false;
    }
    const rate = delivered / interval;
    if (isAppLimited && rate < this.#bandwidth) return;
    // Rounds age the estimate only when one of them has a sample that counts.
    this.#ratedRound = Math.max(this.#ratedRound, this.#round - bandwidthRounds);
    while (this.#ratedRound < this.#round) this.#rates[++this.#ratedRound % bandwidthRounds] = 0;
    const slot = this.#round % bandwidthRounds;
    this.#rates[slot] = Math.max(this.#rates[slot]!, rate);
  }

  /** BBRUpdateRTprop and BBRCheckProbeRTT. */
  #updateRoundTrip(sample: RateSample): void {
    const { rtt, now, inFlight } = sample;
    const isExpired = Number.isFinite(this.#rtProp) && now > this.#rtPropAt + roundTripLasts;
    if (rtt >= 0 && (rtt <= this.#rtProp || isExpired)) {
      this.#rtProp = rtt;
      this.#rtPropAt = now;
    }
    if (isExpired && !this.#restarts && this.#mode !== 'probeRtt') {
      this.#saveCwnd();
      this.#enter('probeRtt', 1, 1);
      this.#probeRttEnd = -1;
    }
    if (this.#mode === 'probeRtt') {
      sample.limitsItself = true; // what arrives now says nothing about the way's rate
      if (this.#probeRttEnd < 0) {
        if (inFlight <= leastWindow) {
          this.#probeRttEnd = now + probeRttTime;
          this.#probeRttRoundDone = false;
          this.#roundEnd = sample.totalDelivered;
        }
      } else {
        if (this.#roundStarts) this.#probeRttRoundDone = true;
        if (this.#probeRttRoundDone && now > this.#probeRttEnd) this.#leaveProbeRtt(now);
      }
    }
    if (sample.delivered > 0) this.#restarts = false;
  }

  #leaveProbeRtt(now: Micros): void {
    this.#rtPropAt = now;
    this.cwnd = Math.max(this.cwnd, this.#priorCwnd);
    if (this.#isFull) this.#enterProbeBw(now);
    else this.#enter('startup', highGain, highGain);
  }

  // The modes (section 4.3) ----------------------------------------------------------------------------------------------

  #enter(mode: Mode, pacingGain: number, gain: number): void {
    this.#mode = mode;
    this.#pacingGain = pacingGain;
    this.#cwndGain = gain;
  }

  /** BBRCheckFullPipe. */
  #checkFullPipe({ isAppLimited }: RateSample): void {
    if (this.#isFull || !this.#roundStarts || isAppLimited) return;
    const bandwidth = this.#bandwidth;
    if (bandwidth >= this.#fullRate * fullGrowth) {
      this.#fullRate = bandwidth;
      this.#fullCount = 0;
    } else if (++this.#fullCount >= fullRounds) this.#isFull = true;
  }

  /** BBRCheckDrain. */
  #checkDrain({ inFlight, now }: RateSample): void {
    if (this.#mode === 'startup' && this.#isFull) this.#enter('drain', 1 / highGain, highGain);
    if (this.#mode === 'drain' && inFlight <= this.#target(1)) this.#enterProbeBw(now);
  }

  /** Begins anywhere in the cycle but with the slow phase, so that flows do not probe all at once. */
  #enterProbeBw(now: Micros): void {
    const phase = cycleGains.length - 1 - randomBelow(this.#random, cycleGains.length - 1);
    this.#phase = (phase + 1) % cycleGains.length;
    this.#phaseAt = now;
    this.#enter('probeBw', cycleGains[this.#phase]!, cwndGain);
  }

  /** BBRCheckCyclePhase. */
  #updateCycle(sample: RateSample): void {
    if (this.#mode !== 'probeBw' || !this.#isPhaseOver(sample)) return;
    this.#phase = (this.#phase + 1) % cycleGains.length;
    this.#phaseAt = sample.now;
    this.#pacingGain = cycleGains[this.#phase]!;
  }

  /** BBRIsNextCyclePhase. */
  #isPhaseOver({ now, lost, inFlightBefore }: RateSample): boolean {
    const isLongEnough = now - this.#phaseAt > this.#rtProp;
    if (this.#pacingGain === 1) return isLongEnough;
    if (this.#pacingGain > 1) return isLongEnough && (lost > 0 || inFlightBefore >= this.#target(this.#pacingGain));
    return isLongEnough || inFlightBefore <= this.#target(1);
  }

  // What may be sent (section 4.2) ---------------------------------------------------------------------------------------

  /** BBRInitPacingRate: cwnd in a round trip, as startup would have it. */
  onOpen(roundTrip: Micros, least: Micros, now: Micros): void {
    if (roundTrip === 0) return;
    this.pacingRate = (highGain * margin * this.cwnd * seconds(1)) / roundTrip;
    this.#rtProp = least;
    this.#rtPropAt = now;
  }

  /** BBRSetPacingRate: before the pipe is full, only upwards. */
  #setPacingRate(gain: number): void {
    const bandwidth = this.#bandwidth;
    if (bandwidth === 0) return;
    const rate = bandwidth * gain * margin * seconds(1);
    if (this.#isFull || rate > this.pacingRate || this.pacingRate === Number.POSITIVE_INFINITY) this.pacingRate = rate;
  }

  /** BBRInflight: so many times BDP, and room for what is sent and acknowledged in one go. */
  #target(gain: number): number {
    if (!Number.isFinite(this.#rtProp)) return this.#initialWindow;
    const bdp = Math.ceil(gain * this.#bandwidth * this.#rtProp);
    const even = bdp + 3 * quantum + ((bdp + 3 * quantum) & 1);
    return this.#mode === 'probeBw' && this.#phase === 0 ? even + 2 : even;
  }

  /** BBRSetCwnd. */
  #setCwnd(sample: RateSample): void {
    const { arrived, totalDelivered } = sample;
    if (arrived > 0 && !this.#modulateForRecovery(sample)) {
      const target = this.#target(this.#cwndGain);
      if (this.#isFull) this.cwnd = Math.min(this.cwnd + arrived, target);
      else if (this.cwnd < target || totalDelivered < this.#initialWindow) this.cwnd += arrived;
      this.cwnd = Math.max(this.cwnd, leastWindow);
    }
    if (this.#mode === 'probeRtt') this.cwnd = Math.min(this.cwnd, leastWindow);
  }

  /** BBRModulateCwndForRecovery: true when that has set cwnd. */
  #modulateForRecovery({ lost, arrived, inFlight, phase, totalDelivered }: RateSample): boolean {
    const isInRecovery = phase === 'recovery';
    const isRecovering = isInRecovery || phase === 'loss';
    if (lost > 0) this.cwnd = Math.max(this.cwnd - lost, 1);
    if (isInRecovery && !this.#wasInRecovery) {
      this.#conservesPackets = true;
      this.#roundEnd = totalDelivered;
      this.cwnd = inFlight + arrived;
    } else if (this.#wasRecovering && !isRecovering) {
      this.#conservesPackets = false;
      this.cwnd = Math.max(this.cwnd, this.#priorCwnd);
    }
    this.#wasInRecovery = isInRecovery;
    this.#wasRecovering = isRecovering;
    if (this.#conservesPackets) this.cwnd = Math.max(this.cwnd, inFlight + arrived);
    return this.#conservesPackets;
  }

  // What happens besides -------------------------------------------------------------------------------------------------

  /** Only `onSample` teaches anything. */
  onAck(): void {}

  onCongestion(): void {
    this.#saveCwnd();
  }

  onRecovered(): void {}

  onTimeout(): void {
    this.#saveCwnd();
    this.cwnd = 1;
    this.#wasRecovering = true;
    this.#wasInRecovery = false;
    this.#fullRate = 0;
  }

  onIdle(): void {}

  /** After a pause that the user has made: at the rate, without haste (section 4.3.4.4, BBRHandleRestartFromIdle). */
  onRestart(_pause: Micros, isUsers: boolean): void {
    if (!isUsers) return;
    this.#restarts = true;
    if (this.#mode === 'probeBw') this.#setPacingRate(1);
  }

  undo(): void {
    this.#fullRate = 0;
    this.#fullCount = 0;
  }

  /** BBRSaveCwnd. */
  #saveCwnd(): void {
    const isUndisturbed = !this.#wasRecovering && this.#mode !== 'probeRtt';
    this.#priorCwnd = isUndisturbed ? this.cwnd : Math.max(this.#priorCwnd, this.cwnd);
  }
}

/** Segments that leave in one go. */
const quantum = 2;
