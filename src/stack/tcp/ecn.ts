import type { Micros } from '../base/time.ts';
import { CWR, ECE, type Segment, SYN } from '../wire/tcp.ts';
import { acknowledgeNow, becomeQuick } from './ack-policy.ts';
import { enterReduction } from './reduction.ts';
import type { Tcb } from './tcb.ts';

/**
 * Explicit congestion notification (RFC 3168): routers mark packets where they would have dropped them; the receiver says
 * ECE until the sender says CWR, and the sender slows down as for a loss, without one.
 */

/** The two lowest bits of the traffic class (section 5). */
const notCapable = 0;
const capable = 2;
const congestion = 3;

/** Segments that are acknowledged at once when marks begin or end, so that the sender learns of it soon (as Linux does). */
const quickAcksOnMark = 2;

// Opening (section 6.1.1) ------------------------------------------------------------------------------------------------

/** The flags that our SYN asks with. A SYN sent again does not ask: something on the way may drop those that do. */
export function askWith({ context, retries }: Tcb): number {
  const { tcp } = context.options;
  return tcp.ecn === 1 && (retries === 0 || !tcp.ecnFallback) ? ECE | CWR : 0;
}

/** A SYN has arrived: grants ECN if it asks for it. One that is marked itself comes from a path that marks too much. */
export function answerTo(tcb: Tcb, seg: Segment): void {
  const asks = (seg.flags & (ECE | CWR)) === (ECE | CWR);
  if (asks && tcb.context.options.tcp.ecn !== 0 && seg.ecn === notCapable) tcb.ownEcn.enabled = true;
}

/** The flag that our SYN-ACK grants with. */
export const grantWith = ({ ecn }: Tcb): number => (ecn.enabled ? ECE : 0);

/** A SYN-ACK has arrived: ECE alone grants what we asked for; one that mirrors both flags understands neither. */
export function settleEcn(tcb: Tcb, seg: Segment): void {
  if (tcb.context.options.tcp.ecn === 1 && (seg.flags & (ECE | CWR)) === ECE) tcb.ownEcn.enabled = true;
}

// Receiving (section 6.1.3) ----------------------------------------------------------------------------------------------

/** Text has arrived: what its mark says. */
export function noteMark(tcb: Tcb, seg: Segment): void {
  if (!tcb.ecn.enabled) return;
  const { ownEcn: ecn } = tcb;
  if (seg.ecn === congestion) {
    if (!ecn.mustEcho) becomeQuick(tcb, quickAcksOnMark);
    ecn.mustEcho = true;
  } else if (seg.ecn === notCapable && ecn.seen) becomeQuick(tcb, quickAcksOnMark);
  if (seg.ecn !== notCapable) ecn.seen = true;
}

/** CWR: the sender has slowed down, and need not hear of it again. */
export function noteReduced(tcb: Tcb, seg: Segment): void {
  if ((seg.flags & CWR) === 0 || !tcb.ecn.enabled) return;
  tcb.ownEcn.mustEcho = false;
  if (seg.len > 0) acknowledgeNow(tcb);
}

// Sending (section 6.1.2) ------------------------------------------------------------------------------------------------

/** An acknowledgment with ECE: slow down, once for each window. */
export function noteEcho(tcb: Tcb, seg: Segment, now: Micros): void {
  if (!tcb.ecn.enabled || (seg.flags & (ECE | SYN)) !== ECE) return;
  tcb.ownTroubles.deliveredMarked += tcb.context.delivery.arrived;
  if (tcb.recovery.phase === 'open') enterReduction(tcb, now);
}

/** The flag that every segment carries while marks have not been answered. */
export const echo = ({ ecn }: Tcb): number => (ecn.mustEcho ? ECE : 0);

/**
 * New text is about to be written: only that is ECN-capable (section 6.1.4 to 6.1.6: not acknowledgments, retransmissions
 * nor probes), and the first of it after a reduction says CWR. Returns the flag.
 */
export function markNewText(tcb: Tcb): number {
  if (!tcb.ecn.enabled) return 0;
  tcb.context.burst.codepoint = capable;
  if (!tcb.ecn.cwrDue) return 0;
  tcb.ownEcn.cwrDue = false;
  return CWR;
}
