import { seqAdd, seqSub } from '../base/seq.ts';
import { windowSpace } from './buffers.ts';
import type { Tcb } from './tcb.ts';

/**
 * Which window to advertise (RFC 9293 section 3.8.6). The right edge never moves left (SHLD-14) and moves right only by
 * a worthwhile step (section 3.8.6.2.2, MUST-39), so that a slow reader does not draw tiny segments.
 */

/** The largest window that the field and the scale can tell. */
const largest = (tcb: Tcb): number => 0xffff * (1 << tcb.rcv.wndShift);

/** RCV.WND: octets that may still arrive beyond RCV.NXT. */
export const receiveWindow = (tcb: Tcb): number => seqSub(tcb.rcv.edge, tcb.rcv.nxt);

/** Octets that may be offered: room beyond what the user has still to read, and not more than the sender has earned. */
function freeSpace(tcb: Tcb): number {
  const space = tcb.receiveLimit;
  const free = Math.max(0, space - tcb.receiveQueue.length);
  // Almost full: nothing, until there is room for a segment and a sixteenth of the buffer (as Linux).
  if (free < space >> 1 && free < Math.max(Math.min(tcb.rcv.mss, space), space >> 4)) return 0;
  const offered = Math.min(free, windowSpace(tcb), Math.max(tcb.rcv.ssthresh, Math.min(space, 0xffff)), largest(tcb));
  // Without scaling there are only whole segments to offer (as Linux): half of one is of no use to the peer.
  return tcb.rcv.wndShift === 0 && offered > tcb.rcv.mss ? offered - (offered % tcb.rcv.mss) : offered;
}

/** How far the right edge would move to the right now, or 0 when the step is not worthwhile. */
export function windowStep(tcb: Tcb): number {
  const step = freeSpace(tcb) - receiveWindow(tcb);
  return step >= Math.min(windowSpace(tcb) >> 1, tcb.rcv.mss) ? step : 0;
}

/** Moves the right edge if that is worthwhile and returns the window field for a segment that leaves now. */
export function advertise(tcb: Tcb): number {
  const step = windowStep(tcb);
  const { rcv } = tcb;
  if (step > 0) rcv.edge = seqAdd(rcv.edge, step);
  // Rounded up: telling less than the edge already told would take back octets that the peer may have sent.
  const field = Math.min(0xffff, Math.ceil(receiveWindow(tcb) / (1 << rcv.wndShift)));
  rcv.edge = seqAdd(rcv.nxt, field * (1 << rcv.wndShift));
  return field;
}

/** After the user has read: has the window at least doubled, so that the peer should hear of it at once? (As Linux does.) */
export function windowUpdateIsDue(tcb: Tcb): boolean {
  const step = windowStep(tcb);
  return step > 0 && step >= receiveWindow(tcb);
}
