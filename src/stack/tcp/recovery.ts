import type { Seq } from '../base/seq.ts';
import { seqGe } from '../base/seq.ts';
import type { Micros } from '../base/time.ts';
import type { Tcb } from './tcb.ts';

/**
 * Entering and leaving loss recovery: fast retransmit and NewReno (RFC 5681 section 3.2, RFC 6582), the retransmission
 * timeout. What is lost is marked in the sent log; output sends it as cwnd allows.
 */

/** Segments known to have left the way without being named: duplicate acknowledgments of a peer without SACK. */
export const departed = (tcb: Tcb): number => (tcb.sackEnabled ? 0 : tcb.recovery.duplicateAcks);

/** May another segment be sent as far as congestion control is concerned? */
export function mayBeInFlight(tcb: Tcb): boolean {
  if (tcb.recovery.phase === 'recovery' && tcb.sackEnabled) return tcb.recovery.allowance > 0; // RFC 9937
  return inFlight(tcb) < tcb.congestion.cwnd;
}

export const inFlight = (tcb: Tcb): number => tcb.sentLog.inFlight(departed(tcb));

/** Another segment has reached the peer, but the first one outstanding has not (RFC 5681 section 2: duplicate ACK). */
export function onDuplicateAck(tcb: Tcb, now: Micros): void {
  const { recovery } = tcb;
  recovery.duplicateAcks++;
  // In the two segments before, in-flight has fallen by one each: that is limited transmit (RFC 3042).
  if (recovery.phase === 'open' && !tcb.sackEnabled && recovery.duplicateAcks === 3) {
    tcb.sentLog.markLost(0);
    enterRecovery(tcb, now);
  }
  tcb.context.output.add(tcb);
}

/** A segment is lost: halve, and send it again at once. */
export function enterRecovery(tcb: Tcb, now: Micros): void {
  const { recovery } = tcb;
  recovery.phase = 'recovery';
  recovery.recover = tcb.snd.nxt;
  recovery.forced = true;
  recovery.flightAtStart = Math.max(1, inFlight(tcb) + tcb.sentLog.lost);
  recovery.delivered = 0;
  recovery.sent = 0;
  recovery.allowance = 1; // the fast retransmission, whatever else holds
  tcb.congestion.onCongestion(tcb.sentLog.length, now);
  tcb.context.counters.tcpFastRetrans++;
  tcb.context.output.add(tcb);
}

/**
 * SND.UNA has moved to `una` over `segments` whole segments. Tells whether congestion control may take the
 * acknowledgment as growth.
 */
export function onNewAck(tcb: Tcb, una: Seq, segments: number): boolean {
  const { recovery } = tcb;
  if (recovery.phase === 'open') {
    recovery.duplicateAcks = 0;
    return true;
  }
  if (seqGe(una, recovery.recover)) {
    if (recovery.phase === 'recovery') tcb.congestion.onRecovered();
    narrowWindow(tcb);
    recovery.phase = 'open';
    recovery.duplicateAcks = 0;
    recovery.forced = false;
    return false;
  }
  if (recovery.phase === 'loss') {
    recovery.duplicateAcks = 0;
    return true; // slow start over what the timeout took for lost
  }
  // A partial acknowledgment: the next hole is lost too (RFC 6582 section 3.2 step 3).
  if (!tcb.sackEnabled) {
    recovery.duplicateAcks = Math.max(0, recovery.duplicateAcks - Math.max(0, segments - 1));
    tcb.sentLog.markLost(0);
  }
  recovery.forced = true;
  return false;
}

/** The retransmission timer has run out: everything outstanding counts as lost, and sending begins anew from one segment. */
export function onRetransmissionTimeout(tcb: Tcb, now: Micros): void {
  const { recovery, sentLog } = tcb;
  tcb.congestion.onTimeout(sentLog.length, recovery.phase !== 'loss' || tcb.retries === 1, now);
  recovery.phase = 'loss';
  recovery.hasTailProbe = false;
  recovery.tailProbeDue = false;
  recovery.recover = tcb.snd.nxt;
  recovery.duplicateAcks = 0;
  recovery.forced = true;
  sentLog.markAllLost();
}

/** RFC 8985 section 6.2 step 4: after 16 recoveries without a duplicate, the reordering window is narrow again. */
function narrowWindow({ rack }: Tcb): void {
  if (rack.windowSteps > 1 && --rack.recoveriesLeft <= 0) rack.windowSteps = 1;
}
