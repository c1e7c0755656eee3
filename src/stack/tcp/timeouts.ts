import { seqAdd, seqGt } from '../base/seq.ts';
import { type Micros, never } from '../base/time.ts';
import { acknowledgeNow } from './ack-policy.ts';
import { abandon, fail } from './ending.ts';
import { suspectBlackHole } from './negotiate.ts';
import { onReorderTimeout } from './rack.ts';
import { onRetransmissionTimeout } from './recovery.ts';
import { isSynchronised } from './state.ts';
import { onTailProbeTimeout } from './tail-loss.ts';
import type { Tcb } from './tcb.ts';
import { rearm, setTimer } from './timers.ts';

/** Timeouts (RFC 9293 section 3.10.8): retransmission, persist, delayed acknowledgment, TIME-WAIT. */

/** Timeouts in a row before the size of segments is suspected (R1 of RFC 9293 section 3.8.3; Linux: tcp_retries1). */
const blackHoleRetries = 3;

/** The connection's key has fallen due: does whatever of its deadlines really has. */
export function onTimeout(tcb: Tcb, now: Micros): void {
  const { timers } = tcb;
  if (timers.timeWait <= now) return abandon(tcb, now); // 2 MSL are over, or nobody waits for the peer's FIN
  if (timers.delayedAck <= now) {
    timers.delayedAck = never;
    acknowledgeNow(tcb);
  }
  if (timers.reorder <= now) onReorderTimeout(tcb, now);
  if (timers.probe <= now) onTailProbeTimeout(tcb, now); // before the timeout, which it puts off
  if (timers.retransmit <= now) onRetransmit(tcb, now);
  if (timers.persist <= now && tcb.state !== 'CLOSED') onPersist(tcb, now);
  if (tcb.state !== 'CLOSED') rearm(tcb);
}

/** The oldest segment has not been acknowledged in time (RFC 6298 section 5.4 to 5.6). */
function onRetransmit(tcb: Tcb, now: Micros): void {
  tcb.timers.retransmit = never;
  if (tcb.sentLog.length === 0) return;
  tcb.retries++;
  if (tcb.retries > retriesAllowed(tcb)) return fail(tcb, tcb.softError ?? 'ETIMEDOUT', now); // R2, MUST-20
  tcb.context.counters.tcpTimeouts++;
  if (tcb.retries >= blackHoleRetries && isSynchronised(tcb.state)) suspectBlackHole(tcb);
  onRetransmissionTimeout(tcb, now);
  tcb.rtt.backOff();
  setTimer(tcb, 'retransmit', now + tcb.rtt.rto);
  tcb.context.output.add(tcb);
}

/** The window has been shut for a while: ask for it (section 3.8.6.1), each time after twice as long (SHLD-30). */
function onPersist(tcb: Tcb, now: Micros): void {
  tcb.timers.persist = never;
  if (tcb.sentLog.length > 0 || !seqGt(seqAdd(tcb.textEnd, tcb.finQueued ? 1 : 0), tcb.snd.nxt)) return;
  tcb.retries++;
  // MUST-37: a peer that answers the probes keeps the connection; each answer sets `retries` back to zero.
  if (tcb.retries > retriesAllowed(tcb)) return fail(tcb, tcb.softError ?? 'ETIMEDOUT', now);
  tcb.probeDue = true;
  tcb.rtt.backOff();
  setTimer(tcb, 'persist', now + tcb.rtt.rto);
  tcb.context.output.add(tcb);
}

function retriesAllowed(tcb: Tcb): number {
  const { tcp } = tcb.context.options;
  if (tcb.state === 'SYN-SENT') return tcp.synRetries;
  if (tcb.state === 'SYN-RECEIVED') return tcp.synAckRetries;
  return tcb.isOrphan ? tcp.orphanRetries : tcp.retries;
}
