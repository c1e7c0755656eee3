import type { Micros } from '../base/time.ts';
import { inFlight } from './pipe.ts';
import type { Tcb } from './tcb.ts';
import { beginDoubt, endDoubt } from './undo.ts';

/** What takes a sender out of the open phase: a loss, or ECN-Echo. */

/** A segment is lost: slow down, and send it again at once. */
export function enterRecovery(tcb: Tcb, now: Micros): void {
  const { recovery } = tcb;
  if (recovery.phase === 'open') {
    beginDoubt(tcb);
    beginReduction(tcb, now);
  }
  recovery.phase = 'recovery';
  recovery.recover = tcb.snd.nxt;
  recovery.forced = true;
  recovery.allowance = Math.max(1, recovery.allowance); // the fast retransmission, whatever else holds
  tcb.context.counters.tcpFastRetrans++;
  tcb.context.output.add(tcb);
}

/** ECN-Echo: the same without a loss. The next new segment says CWR. */
export function enterReduction(tcb: Tcb, now: Micros): void {
  const { recovery } = tcb;
  endDoubt(tcb);
  recovery.phase = 'reduced';
  recovery.recover = tcb.snd.nxt;
  tcb.ecn.cwrDue = true;
  beginReduction(tcb, now);
}

function beginReduction(tcb: Tcb, now: Micros): void {
  const { recovery, sentLog } = tcb;
  recovery.flightAtStart = Math.max(1, inFlight(tcb) + sentLog.lost);
  recovery.delivered = 0;
  recovery.sent = 0;
  recovery.allowance = 0;
  tcb.congestion.onCongestion(sentLog.length, now);
}
