import { seqLt } from '../base/seq.ts';
import type { Tcb } from './tcb.ts';

/** How much is in flight, and whether there may be more. */

/** Segments known to have left the way without being named: duplicate acknowledgments of a peer without SACK. */
const departed = (tcb: Tcb): number => (tcb.sackEnabled ? 0 : tcb.recovery.duplicateAcks);

/**
 * RFC 6675's pipe: segments that are on their way, as far as is known. A SYN-ACK that text may follow at once (Fast Open) takes
 * nothing of the window.
 */
export const inFlight = (tcb: Tcb): number => tcb.sentLog.inFlight(departed(tcb)) - (tcb.fastOpen.isEarly ? 1 : 0);

/** Is what may be sent counted by proportional rate reduction (RFC 9937)? */
export const isReducing = ({ recovery, sackEnabled }: Tcb): boolean =>
  sackEnabled && (recovery.phase === 'recovery' || recovery.phase === 'reduced');

/** Does congestion control decide for itself what a loss means (BBR), so that nothing is reduced for it? */
export const decidesItself = ({ congestion }: Tcb): boolean => congestion.onSample !== undefined;

/** The window that bounds the flight: while it is being reduced, it is on its way from cwnd to ssthresh. */
export const windowInForce = (tcb: Tcb): number =>
  isReducing(tcb) && !decidesItself(tcb) ? tcb.recovery.window : tcb.congestion.cwnd;

/** How many more segments may be sent as far as congestion control is concerned? Zero and less: none. */
export const quota = (tcb: Tcb): number => windowInForce(tcb) - inFlight(tcb);

/** May another segment be sent? */
export const mayBeInFlight = (tcb: Tcb): boolean => quota(tcb) > 0;

/** Was cwnd used to the full? In slow start half of it is enough, as on Linux. */
export const isCwndLimited = ({ congestion, cwndLimited, mostOut }: Tcb): boolean =>
  cwndLimited || (congestion.cwnd < congestion.ssthresh && congestion.cwnd < 2 * mostOut);

/** A new segment has left: how much of cwnd is in use in this window (RFC 7661's concern; the rule is Linux's). */
export function noteUsage(tcb: Tcb): void {
  const { snd, sentLog, congestion } = tcb;
  const isFull = inFlight(tcb) >= congestion.cwnd;
  if (!isFull && seqLt(snd.una, tcb.usageEnd) && (tcb.cwndLimited || sentLog.segments <= tcb.mostOut)) return;
  tcb.cwndLimited = isFull;
  tcb.mostOut = sentLog.segments;
  tcb.usageEnd = snd.nxt;
}
