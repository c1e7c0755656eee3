import { inFlight } from './pipe.ts';
import type { Tcb } from './tcb.ts';

/**
 * Proportional rate reduction (RFC 9937): during recovery, what may be sent follows what arrives, so that the flight shrinks
 * evenly to ssthresh, neither in one gap nor in bursts. In segments; needs SACK.
 */

/** An acknowledgment has arrived during recovery; `delivered` segments with it. `isSafe`: it moved SND.UNA and told of no loss. */
export function reduceInProportion(tcb: Tcb, delivered: number, isSafe: boolean): void {
  if (delivered === 0) return;
  const { ownRecovery: recovery, congestion } = tcb;
  recovery.delivered += delivered;
  const { ssthresh } = congestion;
  const pipe = inFlight(tcb);
  let allowance: number;
  if (pipe > ssthresh) {
    allowance = Math.ceil((recovery.delivered * ssthresh) / recovery.flightAtStart) - recovery.sent;
  } else {
    allowance = Math.max(recovery.delivered - recovery.sent, delivered) + (isSafe ? 1 : 0);
    allowance = Math.min(ssthresh - pipe, allowance);
  }
  if (recovery.sent === 0) allowance = Math.max(allowance, 1);
  recovery.window = pipe + Math.max(0, allowance);
}
