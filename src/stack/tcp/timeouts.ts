import type { ErrorCode } from '../base/errors.ts';
import { type Seq, seqAdd, seqGt } from '../base/seq.ts';
import { type Micros, never, seconds } from '../base/time.ts';
import { onAckTimeout } from './ack-policy.ts';
import { abandon, fail } from './ending.ts';
import { onKeepAliveTimeout } from './keep-alive.ts';
import { suspectBlackHole } from './mtu-search.ts';
import { onPaceTimeout } from './pacing.ts';
import { onReorderTimeout } from './rack.ts';
import { onRetransmissionTimeout } from './recovery.ts';
import { isSynchronised } from './state.ts';
import { onTailProbeTimeout } from './tail-loss.ts';
import type { Tcb } from './tcb.ts';
import { rearm, setTimer } from './timers.ts';

/** Timeouts (RFC 9293 section 3.10.8): retransmission, persist, delayed acknowledgment, keep-alive, TIME-WAIT. */

/** The connection's key has fallen due: does whatever of its deadlines really has. */
export function onTimeout(tcb: Tcb, now: Micros): void {
  const { timers } = tcb;
  if (timers.timeWait <= now) return abandon(tcb, now); // 2 MSL are over, or nobody waits for the peer's FIN
  if (timers.delayedAck <= now) {
    onAckTimeout(tcb);
  }
  if (timers.reorder <= now) onReorderTimeout(tcb, now);
  if (timers.pace <= now) onPaceTimeout(tcb);
  if (timers.probe <= now) onTailProbeTimeout(tcb, now); // before the timeout, which it puts off
  if (timers.retransmit <= now) onRetransmit(tcb, now);
  if (timers.persist <= now) onPersist(tcb, now);
  if (timers.keepAlive <= now) onKeepAliveTimeout(tcb, now);
  if (tcb.state !== 'CLOSED') rearm(tcb);
}

/** The oldest segment has not been acknowledged in time (RFC 6298 section 5.4 to 5.6). */
function onRetransmit(tcb: Tcb, now: Micros): void {
  const { context, timers, rtt } = tcb;
  const { tcp } = context.options;
  timers.retransmit = never;
  if (tcb.sentLog.length === 0) return;
  if (isGivenUp(tcb, now)) return giveUp(tcb, now); // R2, MUST-20
  tcb.retries++;
  tcb.ownTroubles.timeouts++;
  context.counters.tcpTimeouts++;
  if (tcp.mtuProbing > 0 && isSynchronised(tcb.state) && isDoubtful(tcb, now)) suspectBlackHole(tcb, now);
  if (!isQuietlyDeferred(tcb)) onRetransmissionTimeout(tcb, now);
  if (isThin(tcb)) rtt.stayLinear();
  else if (tcb.state !== 'SYN-SENT' || tcb.retries > tcp.synLinearTimeouts) rtt.backOff();
  if (tcb.resendingSince < 0) tcb.resendingSince = now;
  const since = isSynchronised(tcb.state) ? tcb.resendingSince : tcb.openedAt;
  setTimer(tcb, 'retransmit', now + withinUserTimeout(tcb, rtt.rto, since, now));
  context.output.add(tcb);
}

/** TCP_THIN_LINEAR_TIMEOUTS: a stream that never has much in flight, in its first timeouts, need not back off (as Linux). */
const isThin = ({ settings, context, state, sentLog, congestion, retries, rtt }: Tcb): boolean =>
  (settings.thinLinearTimeouts || context.options.tcp.thinLinearTimeouts) &&
  state === 'ESTABLISHED' &&
  sentLog.segments < thinFlight &&
  Number.isFinite(congestion.ssthresh) &&
  retries <= thinRetries &&
  rtt.srtt > 0;
const thinFlight = 4;
const thinRetries = 6;

/**
 * A router cannot reach the peer, and says so of the segment that a timeout has sent again: it was no congestion, and one
 * doubling of the timeout is taken back (RFC 6069 section 4.2).
 */
export function takeBackDoubling(tcb: Tcb, error: ErrorCode, seq: Seq, now: Micros): void {
  const { snd, rtt, sentLog, timers } = tcb;
  if (error !== 'ENETUNREACH' && error !== 'EHOSTUNREACH') return;
  if (seq !== snd.una || tcb.retries === 0 || rtt.backoffs === 0 || sentLog.length === 0) return;
  rtt.takeBack();
  timers.retransmit = never;
  setTimer(tcb, 'retransmit', Math.max(now, sentLog.sentAt(0) + rtt.rto));
}

/** A timer that ends when the user's patience does (RFC 5482 section 3). */
function withinUserTimeout({ settings }: Tcb, wait: Micros, since: Micros, now: Micros): Micros {
  if (settings.userTimeout === 0) return wait;
  return Math.max(1000, Math.min(wait, since + settings.userTimeout - now));
}

/** Has the connection been trying for long enough? Linux counts SYNs, and the time that so many timeouts would take. */
function isGivenUp(tcb: Tcb, now: Micros): boolean {
  const { tcp } = tcb.context.options;
  const { settings, retries } = tcb;
  const tried = tcb.resendingSince < 0 ? 0 : now - tcb.resendingSince;
  if (retries > 0 && settings.userTimeout > 0) return triedSinceFirst(tcb, now) >= settings.userTimeout;
  switch (tcb.state) {
    case 'SYN-SENT':
      return retries >= (settings.synRetries || tcp.synRetries) + tcp.synLinearTimeouts;
    case 'SYN-RECEIVED':
      return retries >= (settings.synRetries || tcp.synAckRetries);
    default:
      return retries > 0 && tried >= timeOfTimeouts(tcb.isOrphan ? tcp.orphanRetries : tcp.retries, tcb);
  }
}

/** The time that TCP_USER_TIMEOUT is about: from the first retransmission on; of a handshake, from its beginning on. */
function triedSinceFirst(tcb: Tcb, now: Micros): Micros {
  if (!isSynchronised(tcb.state)) return now - tcb.openedAt;
  return tcb.resendingSince < 0 ? 0 : now - tcb.resendingSince;
}

/** R1: has the oldest segment been sent for so long that the way itself may be the reason? */
function isDoubtful(tcb: Tcb, now: Micros): boolean {
  const since = tcb.resendingSince < 0 ? now : tcb.resendingSince;
  return tcb.retries > 1 && now - since >= timeOfTimeouts(tcb.context.options.tcp.retriesBeforeDoubt, tcb);
}

/** How long so many timeouts take from the first retransmission on, each twice as long as the one before. */
function timeOfTimeouts(count: number, { context }: Tcb): Micros {
  const { rtoMin, rtoMax } = context.options.tcp;
  const doublings = Math.floor(Math.log2(rtoMax / rtoMin));
  if (count <= doublings) return (2 ** (count + 1) - 1) * rtoMin;
  return (2 ** (doublings + 1) - 1) * rtoMin + (count - doublings) * rtoMax;
}

/** The user learns what an ICMP error has told meanwhile, or just that nobody answered. */
function giveUp(tcb: Tcb, now: Micros): void {
  fail(tcb, tcb.softError ?? 'ETIMEDOUT', now);
}

/** The window has been shut for a while: ask for it (section 3.8.6.1), each time after twice as long (SHLD-30). */
function onPersist(tcb: Tcb, now: Micros): void {
  const { tcp } = tcb.context.options;
  tcb.timers.persist = never;
  if (tcb.state === 'CLOSED' || tcb.sentLog.length > 0) return;
  if (!seqGt(seqAdd(tcb.textEnd, tcb.finQueued ? 1 : 0), tcb.snd.nxt)) return;
  if (tcb.probingSince < 0) tcb.probingSince = now;
  const { userTimeout } = tcb.settings;
  const isOverdue = userTimeout > 0 && now - tcb.probingSince >= userTimeout; // whether it answers or not (tcp(7))
  // MUST-37: a peer that answers the probes keeps the connection; each answer sets `probes` back to zero.
  if (isOverdue || tcb.probes >= (tcb.isOrphan ? tcp.orphanRetries : tcp.retries)) return giveUp(tcb, now);
  tcb.probes++;
  tcb.probeDue = true;
  if (tcb.probeBackoff < tcp.retries) tcb.probeBackoff++;
  setTimer(tcb, 'persist', now + withinUserTimeout(tcb, probeInterval(tcb), tcb.probingSince, now));
  tcb.context.output.add(tcb);
}

/** SYN-ACKs sent again in so much time: after 1, 2, 4 ... seconds. */
export function deferredRetries(time: Micros): number {
  let count = 0;
  for (let passed = 0, step = seconds(1); passed < time; step *= 2, count++) passed += step;
  return count;
}

/** A listener that waits for text keeps quiet until the last time that it may ask (as Linux). */
const isQuietlyDeferred = ({ state, isDeferred, retries, listener }: Tcb): boolean =>
  state === 'SYN-RECEIVED' && isDeferred && retries < deferredRetries(listener?.settings.deferAccept ?? 0);

/** Between window probes: the RTO, doubled for each. */
export const probeInterval = ({ rtt, probeBackoff, context }: Tcb): Micros =>
  Math.min(rtt.rto * 2 ** Math.min(probeBackoff, 20), context.options.tcp.rtoMax);
