import { seqAdd } from '../base/seq.ts';
import type { Micros } from '../base/time.ts';
import { seconds } from '../base/time.ts';
import type { RateSample } from './congestion/controller.ts';
import { inFlight, mayBeInFlight } from './pipe.ts';
import type { Tcb } from './tcb.ts';

/**
 * At which rate does text arrive at the peer? (draft-cheng-iccrg-delivery-rate-estimation) Every segment remembers how much had
 * arrived when it left; when it arrives itself, the difference over the time is a sample. The slower of sending and
 * acknowledging counts, so that neither a burst of acknowledgments nor a burst of segments looks like a fast way.
 */

/** An acknowledgment has been taken in: the sample that it gives. `lost` segments were found lost by it. */
export function takeSample(tcb: Tcb, inFlightBefore: number, lost: number, now: Micros): RateSample {
  const { rate, rtt, recovery } = tcb;
  const { rateSample: sample, ackEvent, delivery } = tcb.context;
  rate.delivered += ackEvent.acked;
  if (rate.appLimitedUntil > 0 && rate.delivered > rate.appLimitedUntil) rate.appLimitedUntil = 0;
  if (delivery.arrived > 0) rate.deliveredAt = now;
  sample.delivered = 0;
  sample.interval = 0;
  sample.isAppLimited = false;
  sample.limitsItself = false;
  sample.arrived = delivery.arrived;
  sample.lost = lost;
  sample.rtt = ackEvent.rtt;
  sample.phase = recovery.phase;
  sample.inFlightBefore = inFlightBefore;
  sample.inFlight = inFlight(tcb);
  sample.totalDelivered = rate.delivered;
  sample.now = now;
  const { newest } = delivery;
  if (delivery.newestSentAt < 0 || delivery.newestEnd === seqAdd(tcb.iss, 1)) return sample; // the handshake measures nothing
  rate.firstSentAt = delivery.newestSentAt;
  sample.priorDelivered = newest.delivered;
  sample.isAppLimited = newest.isAppLimited;
  const interval = Math.max(delivery.newestSentAt - newest.firstSentAt, now - newest.deliveredAt);
  // Section 4.1.2.4: in less than the shortest round trip nothing can be measured.
  if (interval <= 0 || (Number.isFinite(rtt.min) && interval < rtt.min)) return sample;
  sample.delivered = rate.delivered - newest.delivered;
  sample.interval = interval;
  const perSecond = Math.round((sample.delivered * tcb.snd.mss * seconds(1)) / interval);
  if (!sample.isAppLimited || perSecond >= rate.perSecond) {
    rate.perSecond = perSecond;
    rate.isAppLimited = sample.isAppLimited;
  }
  return sample;
}

/**
 * Has everything been sent that the user had given, although more might be in flight (section 4.2)? With much of the send
 * buffer in use it is the buffer that limits, and that it does for good: then the rate is the connection's own.
 */
export const isAppLimited = (tcb: Tcb): boolean =>
  tcb.unsent < tcb.snd.mss &&
  tcb.sendQueue.length < tcb.sendLimit / 2 &&
  mayBeInFlight(tcb) &&
  tcb.sentLog.nextLost() < 0;

/** Until what is in flight has arrived, samples measure the user. */
export function markAppLimited(tcb: Tcb): void {
  tcb.rate.appLimitedUntil = Math.max(1, tcb.rate.delivered + inFlight(tcb));
}
