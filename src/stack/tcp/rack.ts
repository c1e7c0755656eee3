import { seqGe, seqGt } from '../base/seq.ts';
import { type Micros, never } from '../base/time.ts';
import type { Segment } from '../wire/tcp.ts';
import { enterRecovery } from './reduction.ts';
import type { Tcb } from './tcb.ts';
import { setTimer } from './timers.ts';
import { echoedRoundTrip, timestampTick } from './timestamps.ts';

/**
 * RACK (RFC 8985 section 6): a segment is lost when one that was sent after it has arrived, and what reordering the way may
 * do has had its time. It needs SACK, and finds lost retransmissions as well.
 */

/** Recoveries for which a wider reordering window lasts (section 6.2 step 4). */
const windowLasts = 16;

/** An acknowledgment is about to be taken in: which retransmissions it may be about (section 6.2 step 2, 8985-4). */
export function beginDelivery(tcb: Tcb, seg: Segment, now: Micros): void {
  const { sentLog, rtt } = tcb;
  const echoed = echoedRoundTrip(tcb, seg, now);
  let until = now - (Number.isFinite(rtt.min) ? rtt.min : 0);
  if (echoed >= 0) until = Math.min(until, now - echoed + timestampTick);
  sentLog.beginDelivery(until, tcb.recovery.recover);
}

/** It has been: what it says about segments that have not arrived. Enters recovery when some are lost. */
export function detectLosses(tcb: Tcb, now: Micros): void {
  const { rack, snd, context } = tcb;
  const { delivery } = context;
  if (delivery.sawReordering) {
    const { ownReordering: reordering } = tcb;
    reordering.seen = true;
    tcb.ownTroubles.reorderings++;
    const segments = Math.ceil(delivery.reorderedBy / snd.mss) + 1;
    reordering.segments = Math.min(Math.max(reordering.segments, segments), context.options.tcp.maxReordering);
  }
  if (delivery.wasGivenUpEarly) widenWindow(tcb);
  const { newestSentAt, newestEnd, latestPassedAt, latestSackedAt } = delivery;
  const latest = latestPassedAt >= 0 ? latestPassedAt : latestSackedAt;
  if (latest >= 0) rack.rtt = now - latest;
  if (newestSentAt >= 0 && isAfter(newestSentAt, newestEnd, rack.sentAt, rack.end)) {
    rack.sentAt = newestSentAt;
    rack.end = newestEnd;
  }
  markLosses(tcb, now);
}

/** A duplicate told of: what was taken for lost was only late. Once per round trip (section 6.2 step 4). */
function widenWindow({ ownReordering: reordering, snd }: Tcb): void {
  if (reordering.roundEnd !== null && !seqGe(snd.una, reordering.roundEnd)) return;
  reordering.roundEnd = snd.nxt;
  reordering.windowSteps++;
  reordering.recoveriesLeft = windowLasts;
}

/** How long a segment may be overtaken (section 6.2 step 4). */
function reorderingWindow({ reordering, recovery, rtt, sentLog }: Tcb): Micros {
  const isRepairing = recovery.phase === 'recovery' || recovery.phase === 'loss';
  if (!reordering.seen && (isRepairing || sentLog.sacked >= reordering.segments)) return 0;
  return Number.isFinite(rtt.min) ? Math.min((reordering.windowSteps * rtt.min) / 4, rtt.srtt) : 0;
}

/** Section 6.2 step 5. What may still arrive is looked at again when its time is over. */
function markLosses(tcb: Tcb, now: Micros): void {
  const { rack, sentLog, timers, recovery, context } = tcb;
  timers.reorder = never;
  if (rack.sentAt < 0 || sentLog.length === 0) return;
  const patience = rack.rtt + reorderingWindow(tcb);
  let wait: Micros = never;
  let found = false;
  for (let index = 0; index < sentLog.length; index++) {
    if (!isAfter(rack.sentAt, rack.end, sentLog.sentAt(index), sentLog.endOf(index))) {
      if (!sentLog.hasResent) break; // in the order of sending: all others were sent later still
      continue;
    }
    if (!sentLog.isOutstanding(index)) continue;
    const left = sentLog.sentAt(index) + patience - now;
    if (left > 0) wait = Math.min(wait, left);
    else {
      sentLog.markLostAgain(index);
      found = true;
    }
  }
  if (wait !== never) setTimer(tcb, 'reorder', now + Math.ceil(wait));
  if (!found) return;
  if (recovery.phase === 'open' || recovery.phase === 'reduced') enterRecovery(tcb, now);
  context.output.add(tcb);
}

/** The time for reordering is over. */
export function onReorderTimeout(tcb: Tcb, now: Micros): void {
  tcb.sentLog.beginDelivery(now, tcb.recovery.recover); // nothing has arrived now
  tcb.timers.reorder = never;
  markLosses(tcb, now);
}

/** Was (a, aEnd) sent after (b, bEnd)? Those of one moment, in the order of their numbers. */
const isAfter = (a: Micros, aEnd: Tcb['snd']['una'], b: Micros, bEnd: Tcb['snd']['una']): boolean =>
  a > b || (a === b && seqGt(aEnd, bEnd));
