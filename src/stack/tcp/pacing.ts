import { type Micros, ms, never, seconds } from '../base/time.ts';
import type { Tcb } from './tcb.ts';
import { setTimer } from './timers.ts';

/**
 * Pacing: text leaves at a rate instead of in bursts, when the congestion control asks for one (BBR) or the user bounds it
 * (SO_MAX_PACING_RATE).
 */

/** What was not sent for so long can be made up for: timers are coarse. */
const slack: Micros = ms(1);
/**
 * So many segments may leave at once. Delayed acknowledgments let two go: if the second waited for its time, so would the
 * next acknowledgment (`npm run bench -- loss`: 14 % of a window of 16 KiB).
 */
const quantum = 4;

/** Octets per second: what congestion control wants, or else, as on Linux, somewhat more than cwnd in a round trip. */
export function pacingRate(tcb: Tcb): number {
  const { congestion, snd, rtt, sentLog, settings, context } = tcb;
  const { pacingSlowStart, pacingAvoidance } = context.options.tcp;
  let segments = congestion.pacingRate;
  if (segments === undefined) {
    const gain = congestion.cwnd < congestion.ssthresh / 2 ? pacingSlowStart : pacingAvoidance;
    const flight = Math.max(congestion.cwnd, sentLog.segments);
    segments = rtt.srtt === 0 ? Number.POSITIVE_INFINITY : (gain * flight * seconds(1)) / rtt.srtt;
  }
  return Math.min(segments * snd.mss, settings.maxPacingRate);
}

/**
 * How many segments a device may be handed at once: what the rate lets go in a millisecond (as Linux), so that bursts are
 * no longer than they have to be; the first of a connection whose round trip is not known yet, as many as there are.
 */
export function burstSegments(tcb: Tcb): number {
  const rate = pacingRate(tcb);
  return rate === Number.POSITIVE_INFINITY
    ? leastBurst << 8
    : Math.max(leastBurst, Math.floor(rate / 1000 / tcb.snd.mss));
}
const leastBurst = 2;

/** Has text to wait for its time? Then a timer is set for it. */
export function mustPace(tcb: Tcb, now: Micros): boolean {
  if (tcb.mayLeaveAt < now + 1) return false;
  setTimer(tcb, 'pace', Math.ceil(tcb.mayLeaveAt));
  return true;
}

/** So many octets of text have left: when the next may. */
export function noteDeparture(tcb: Tcb, text: number, now: Micros): void {
  const { congestion, settings, snd, counts, context } = tcb;
  if (counts.dataSegmentsOut <= context.options.tcp.initialWindow) return; // the first window goes at once, as on Linux
  if (congestion.pacingRate === undefined && settings.maxPacingRate === Number.POSITIVE_INFINITY) return;
  const rate = pacingRate(tcb);
  if (rate === Number.POSITIVE_INFINITY || rate <= 0) return; // a bound of 0 is none, as on Linux
  const perOctet = seconds(1) / rate;
  const earliest = now - Math.max(slack, (quantum - 1) * snd.mss * perOctet);
  tcb.mayLeaveAt = Math.max(tcb.mayLeaveAt, earliest) + text * perOctet;
}

/** Its time has come. */
export function onPaceTimeout(tcb: Tcb): void {
  tcb.timers.pace = never;
  tcb.context.output.add(tcb);
}
