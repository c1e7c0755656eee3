import { seqGt, seqLt, seqSub, toSeq } from '../base/seq.ts';
import type { Segment } from '../wire/tcp.ts';
import type { Tcb } from './tcb.ts';

/**
 * A loss that was none: the segments were only late, and what congestion control gave up for them is given back. Three
 * witnesses: the echo of a timestamp older than the retransmission (Eifel, RFC 3522), duplicate SACKs for everything that
 * was sent again (RFC 3708), and new segments arriving before the repeated ones (F-RTO, RFC 5682; in recovery.ts).
 */

/** Congestion control is about to be told of a loss: from here on it may turn out to be none. */
export function beginDoubt(tcb: Tcb): void {
  const { ownRecovery: recovery } = tcb;
  recovery.mayUndo = true;
  recovery.resentToUndo = tcb.sentLog.resent + (recovery.hasTailProbe && recovery.tailProbeWasSentAgain ? 1 : 0);
  recovery.undoFrom = tcb.snd.una;
}

/** A segment is sent again. */
export function countResent(tcb: Tcb): void {
  if (tcb.recovery.mayUndo) tcb.ownRecovery.resentToUndo++;
}

/** The receiver has got segments twice that were sent again: they have arrived, for whoever counts that (as Linux). */
export function noteDuplicateTold(tcb: Tcb, { options }: Segment): void {
  const { ownTroubles: troubles, snd, context } = tcb;
  const end = options.sackEnd[0]!;
  const length = seqSub(end, options.sackStart[0]!);
  const segments = Math.max(1, Math.ceil(length / snd.mss));
  const { delivery } = context;
  const { mayUndo, resentToUndo, undoFrom, hasTailProbe, tailProbeEnd } = tcb.recovery;
  delivery.tellsOfProbe = hasTailProbe && end === tailProbeEnd && length <= snd.mss;
  troubles.duplicatesTold += segments;
  if (troubles.duplicatesTold <= troubles.retransmissions) {
    delivery.arrived += segments;
    delivery.wasGivenUpEarly = !delivery.tellsOfProbe; // RFC 8985 section 7.4.2: the timer has sent the probe, not RACK
  }
  if (mayUndo && resentToUndo > 0 && seqGt(end, undoFrom) && !seqGt(end, snd.una)) {
    const { ownRecovery: recovery } = tcb;
    recovery.resentToUndo = Math.max(0, resentToUndo - segments);
    recovery.sawDuplicate = true;
  }
}

/** Has the original arrived, although it was taken for lost? (RFC 3522 section 3.2: the echo is older than the second copy.) */
export function originalHasArrived(tcb: Tcb, seg: Segment): boolean {
  const { resentTs } = tcb.recovery;
  if (!tcb.ts.enabled || !seg.options.hasTimestamps || resentTs < 0 || seg.options.tsEcr === 0) return false;
  return seqLt(toSeq(seg.options.tsEcr), toSeq(resentTs));
}

/** Has every segment that was sent again since the loss come twice? (RFC 3708) */
export const everythingCameTwice = ({ recovery }: Tcb): boolean =>
  recovery.mayUndo && recovery.sawDuplicate && recovery.resentToUndo === 0;

/** May the reduction be taken back on the word of this acknowledgment? */
export function wasNoLoss(tcb: Tcb, seg: Segment): boolean {
  return tcb.recovery.mayUndo && (everythingCameTwice(tcb) || originalHasArrived(tcb, seg));
}

/** Gives back what the loss took. */
export function undo(tcb: Tcb): void {
  const { ownRecovery: recovery, congestion, context } = tcb;
  if (recovery.mayUndo) congestion.undo(); // else it was slowed down for something else
  recovery.mayUndo = false;
  recovery.sawDuplicate = false;
  if (tcb.ecn.cwrDue) tcb.ownEcn.cwrDue = false;
  context.counters.tcpUndos++;
  context.output.add(tcb);
}

/** The loss was real, or it is too late to say. */
export function endDoubt({ ownRecovery: recovery }: Tcb): void {
  recovery.mayUndo = false;
  recovery.sawDuplicate = false;
  recovery.resentTs = -1;
}
