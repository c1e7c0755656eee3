import type { Micros } from '../base/time.ts';
import { wasOnlyMtuProbe } from './mtu-search.ts';
import { inFlight } from './pipe.ts';
import type { Tcb } from './tcb.ts';
import { beginDoubt, endDoubt } from './undo.ts';

/** What takes a sender out of the open phase: a loss, or ECN-Echo. */

/** A segment is lost: slow down, and send it again at once. */
export function enterRecovery(tcb: Tcb, now: Micros): void {
  const { ownRecovery: recovery } = tcb;
  if (recovery.phase === 'open') {
    if (wasOnlyMtuProbe(tcb)) {
      recovery.forced = true;
      return tcb.context.output.add(tcb);
    }
    beginDoubt(tcb);
    beginReduction(tcb, now);
  }
  recovery.phase = 'recovery';
  recovery.recover = tcb.snd.nxt;
  recovery.forced = true;
  recovery.window = Math.max(inFlight(tcb) + 1, recovery.window); // the fast retransmission, whatever else holds
  tcb.context.counters.tcpFastRetrans++;
  tcb.context.output.add(tcb);
}

/** ECN-Echo: the same without a loss. The next new segment says CWR. */
export function enterReduction(tcb: Tcb, now: Micros): void {
  const { ownRecovery: recovery } = tcb;
  endDoubt(tcb);
  recovery.phase = 'reduced';
  recovery.recover = tcb.snd.nxt;
  beginReduction(tcb, now);
}

function beginReduction(tcb: Tcb, now: Micros): void {
  const { ownRecovery: recovery, sentLog } = tcb;
  // RFC 9937 section 6: what has arrived with this very acknowledgment counts among what is delivered from now on.
  recovery.flightAtStart = Math.max(1, inFlight(tcb) + sentLog.lost + tcb.context.delivery.arrived);
  recovery.delivered = 0;
  recovery.sent = 0;
  recovery.window = 0;
  recovery.hasTailProbe = false;
  if (tcb.ecn.enabled) tcb.ownEcn.cwrDue = true; // RFC 3168 section 6.1.2: whatever made the window smaller
  tcb.congestion.onCongestion(sentLog.segments, now);
}
