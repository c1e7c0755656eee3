import type { ErrorCode } from '../base/errors.ts';
import { type Micros, never } from '../base/time.ts';
import { endEarly } from './fast-open.ts';
import { sendAbort, sendLastAck } from './reset.ts';
import { enter } from './state.ts';
import type { Tcb } from './tcb.ts';
import { setTimer, stopTimers } from './timers.ts';

/** How connections end: forgotten quietly, failed with an error for the user, or after 2 MSL. */

/** Deletes the TCB: no more timers, segments or look-ups. What has been received can still be read by its user. */
export function abandon(tcb: Tcb, now: Micros): void {
  const { context } = tcb;
  if (tcb.state === 'TIME-WAIT') context.leftovers.timeWaits--;
  else if (tcb.isOrphan && tcb.state !== 'CLOSED') context.leftovers.orphans--;
  stopTimers(tcb);
  context.demux.remove(tcb);
  tcb.sendQueue.clear();
  tcb.sentLog.clear();
  tcb.reassembly.clear();
  tcb.ack.now = false;
  tcb.probeDue = false;
  endEarly(tcb);
  if (tcb.isOrphan) tcb.receiveQueue.clear();
  tcb.releasePort?.();
  tcb.releasePort = null;
  if (tcb.listener !== null) {
    tcb.listener.halfOpen.delete(tcb);
    tcb.listener = null;
  }
  enter(tcb, 'CLOSED', now);
}

/** The same, with a reason that the user is told once. */
export function fail(tcb: Tcb, error: ErrorCode, now: Micros): void {
  const { counters } = tcb.context;
  if (tcb.state === 'SYN-SENT' || tcb.state === 'SYN-RECEIVED') counters.tcpAttemptFails++;
  else if (tcb.state === 'ESTABLISHED' || tcb.state === 'CLOSE-WAIT') counters.tcpEstabResets++;
  tcb.error = error;
  abandon(tcb, now);
}

/** Nobody will read what still comes: wait for the peer's FIN only so long (Linux: tcp_fin_timeout, TCP_LINGER2). False: not at all. */
export function waitForPeersFin(tcb: Tcb, now: Micros): boolean {
  const { finWait2 } = tcb.settings;
  if (finWait2 < 0) {
    sendAbort(tcb);
    abandon(tcb, now);
    return false;
  }
  const wait = finWait2 === 0 ? tcb.context.options.tcp.finWait2 : finWait2;
  setTimer(tcb, 'timeWait', now + Math.max(wait, tcb.rtt.rto * 3.5));
  return true;
}

/** Both sides have finished: wait 2 MSL for segments that linger (MUST-13). Nothing is sent any more but acknowledgments. */
export function enterTimeWait(tcb: Tcb, now: Micros): void {
  const { options, leftovers, counters } = tcb.context;
  if (tcb.state !== 'TIME-WAIT') {
    if (tcb.isOrphan) leftovers.orphans--;
    enter(tcb, 'TIME-WAIT', now);
    leftovers.timeWaits++;
    if (leftovers.timeWaits > options.tcp.maxTimeWait) {
      counters.tcpTimeWaitOverflows++;
      sendLastAck(tcb);
      return abandon(tcb, now);
    }
    tcb.sendQueue.clear();
    tcb.timers.retransmit = never;
    tcb.timers.persist = never;
    tcb.timers.keepAlive = never;
  }
  setTimer(tcb, 'timeWait', now + options.tcp.timeWait);
}
