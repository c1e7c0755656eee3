import { type Seq, seqAdd, seqGt, seqLt, seqMin, seqSub } from '../base/seq.ts';
import { type Micros, ms, never, seconds } from '../base/time.ts';
import { ACK, FIN, type Segment, SYN } from '../wire/tcp.ts';
import { growSendBuffer } from './buffers.ts';
import { letGo, unsentOctets } from './calls.ts';
import { challenge } from './challenge.ts';
import type { RateSample } from './congestion/controller.ts';
import { hasDsack } from './dsack.ts';
import { abandon, enterTimeWait, waitForPeersFin } from './ending.ts';
import { endEarly } from './fast-open.ts';
import { switchKeepAlive } from './keep-alive.ts';
import { noteAcknowledged } from './limits.ts';
import { beginMtuSearch, onAckOfMtuProbe } from './mtu-search.ts';
import { decidesItself, inFlight, isCwndLimited } from './pipe.ts';
import { beginDelivery } from './rack.ts';
import { markAppLimited, takeSample } from './rate.ts';
import { hasReneged, noteLateDuplicate, respond } from './recovery.ts';
import { sendResetFor } from './reset.ts';
import { applySack } from './scoreboard.ts';
import { enter } from './state.ts';
import { onAckOfTailProbe, scheduleTailProbe } from './tail-loss.ts';
import type { Tcb } from './tcb.ts';
import { deferredRetries, probeInterval } from './timeouts.ts';
import { setTimer } from './timers.ts';
import { echoedRoundTrip, timestampTick, updateRecent } from './timestamps.ts';
import { noteDuplicateTold } from './undo.ts';

/** A receiver that has dropped what it had told of may do so for a moment only (as Linux assumes). */
const leastWaitForReneged: Micros = ms(10);

/** Fifth step of RFC 9293 section 3.10.7.4: "check the ACK field". False: the segment is finished. */
export function checkAck(tcb: Tcb, seg: Segment, now: Micros): boolean {
  const { context, snd } = tcb;
  if ((seg.flags & ACK) === 0) {
    context.drop('no ACK bit', now);
    return false;
  }
  const isHandshake = tcb.state === 'SYN-RECEIVED';
  if (isHandshake && !finishHandshake(tcb, seg, now)) return false;
  if (!isPlausible(tcb, seg.ack)) {
    context.drop('unacceptable acknowledgment', now);
    challenge(tcb, now); // RFC 5961 section 5.2
    return false;
  }
  updateRecent(tcb, seg, now); // not before: what acknowledges what never was may be forged (as Linux)
  tcb.counts.lastAckReceivedAt = now;
  tcb.probes = 0;
  if (tcb.moreFollows) letGo(tcb); // MSG_MORE is about one call: any acknowledgment ends it (as Linux)
  const isNew = seqGt(seg.ack, snd.una);
  const hasMoved = updateWindow(tcb, seg, now);
  const isDuplicate = !isNew && !hasMoved && isDuplicateAck(tcb, seg);
  const tellsDuplicate = tcb.sackEnabled && hasDsack(seg);
  beginDelivery(tcb, seg, now);
  if (tcb.sentLog.length === 0) {
    if (tellsDuplicate) noteLateDuplicate(tcb, seg);
    if (tcb.recovery.hasTailProbe) onAckOfTailProbe(tcb, isBare(seg, isNew, hasMoved), now);
    return true;
  }
  const inFlightBefore = inFlight(tcb);
  tcb.context.ackEvent.rtt = -1;
  let hasDeparted = false;
  if (isNew) acknowledgeSent(tcb, seg, now);
  else if (isDuplicate && tellsOfDeparture(tcb)) {
    hasDeparted = true; // another segment has left the way (RFC 5681 section 2)
    tcb.ownRecovery.duplicateAcks++;
    context.output.add(tcb);
  }
  if (seg.options.sackBlocks > 0 && tcb.sackEnabled) applySack(tcb, seg);
  if (tellsDuplicate) noteDuplicateTold(tcb, seg);
  const hasMeasured = takeRoundTrip(tcb, seg, isNew, now);
  const lostBefore = tcb.sentLog.everLost;
  context.ackEvent.acked = isNew || tcb.sackEnabled ? newlyArrived(tcb) : Number(hasDeparted);
  const mayGrow = respond(tcb, seg, isNew, now);
  const sample = takeSample(tcb, inFlightBefore, tcb.sentLog.everLost - lostBefore, now);
  if (isHandshake) tcb.congestion.onOpen?.(tcb.rtt.srtt, tcb.rtt.min, now);
  else if (decidesItself(tcb)) model(tcb, sample);
  if (tcb.recovery.hasTailProbe) {
    onAckOfTailProbe(tcb, isBare(seg, isNew, hasMoved) && context.delivery.sackedNow === 0, now);
  }
  if (!isNew) {
    if (hasMeasured && isWorthMoreTime(tcb)) setTimer(tcb, 'retransmit', now + tcb.rtt.rto);
    // Where segments overtake each other all the time, blocks are progress as any other (as Linux).
    const isUsual = tcb.reordering.segments > context.options.tcp.reordering;
    if (mayGrow && isUsual && context.delivery.sackedNow > 0 && !decidesItself(tcb)) grow(tcb, now);
    return true;
  }
  if (mayGrow && !decidesItself(tcb)) grow(tcb, now);
  scheduleRetransmit(tcb, now);
  return afterFinAcknowledged(tcb, seg, now);
}

/** SYN-RECEIVED: the segment must acknowledge our SYN; then the connection is established and waits to be accepted. */
function finishHandshake(tcb: Tcb, seg: Segment, now: Micros): boolean {
  const { context, listener } = tcb;
  if (!seqGt(seg.ack, tcb.snd.una) || seqGt(seg.ack, tcb.snd.nxt)) {
    context.drop('unacceptable acknowledgment', now);
    sendResetFor(tcb, seg);
    return false;
  }
  if (tcb.fastOpen.isEarly) {
    endEarly(tcb);
    enter(tcb, 'ESTABLISHED', now);
    begin(tcb, now);
    tcb.snd.wl1 = seqAdd(seg.seq, -1);
    return true;
  }
  if (listener !== null && mustWaitForText(tcb, seg)) {
    tcb.isDeferred = true;
    return false;
  }
  if (listener?.acceptQueueIsFull) {
    context.drop('accept queue full', now); // stay half-open: the SYN-ACK is sent again, and answered again
    if (context.options.tcp.abortOnOverflow) {
      sendResetFor(tcb, seg);
      abandon(tcb, now);
    }
    return false;
  }
  enter(tcb, 'ESTABLISHED', now);
  begin(tcb, now);
  tcb.snd.wl1 = seqAdd(seg.seq, -1); // this segment updates the window, whatever came before
  tcb.snd.maxWnd = 0; // that of the SYN, which is not scaled, is not meant
  if (listener !== null) {
    listener.halfOpen.delete(tcb);
    listener.acceptQueue.push(tcb);
    context.changed.add(listener);
    context.counters.tcpPassiveOpens++;
  }
  return true;
}

/** The handshake is done: what it has taught. */
export function begin(tcb: Tcb, now: Micros): void {
  const { troubles, context, settings } = tcb;
  switchKeepAlive(tcb, now);
  if (context.options.tcp.mtuProbing === 2) beginMtuSearch(tcb, now);
  if (troubles.retransmissions === 0) return;
  tcb.rtt.fallBack(seconds(3)); // RFC 6298 section 5.7
  // RFC 5681 section 3.1: a SYN that was lost more than once leaves one segment.
  if (troubles.retransmissions > 1) {
    const name = settings.congestionControl ?? context.options.tcp.congestionControl;
    tcb.congestion = context.congestionControls.make(
      name,
      { cwnd: 1, ssthresh: Number.POSITIVE_INFINITY },
      context.random,
    );
  }
}

/** TCP_DEFER_ACCEPT: a bare acknowledgment does not finish the handshake before its time is over. */
function mustWaitForText({ listener, retries, rcv }: Tcb, seg: Segment): boolean {
  const count = deferredRetries(listener!.settings.deferAccept);
  return retries < count && seg.len === 0 && seg.seq === rcv.nxt;
}

/**
 * RFC 5961 section 5.2 with the bound that it lacks: no acknowledgment older than the largest window, nor of anything
 * before what the peer has really acknowledged since the beginning (a "ghost ACK", CVE-2023-52881), nor of the future.
 */
function isPlausible(tcb: Tcb, ack: Seq): boolean {
  const { una, nxt, maxWnd } = tcb.snd;
  const oldest = seqAdd(una, -Math.min(maxWnd, tcb.acknowledged));
  return !seqLt(ack, oldest) && !seqGt(ack, nxt);
}

/** Says nothing at all that was not known. */
const isBare = (seg: Segment, isNew: boolean, hasMoved: boolean): boolean =>
  !isNew && !hasMoved && seg.textLength === 0;

/** RFC 5681 section 2: acknowledges nothing new, has neither text nor SYN nor FIN, and leaves the window as it is. */
function isDuplicateAck(tcb: Tcb, seg: Segment): boolean {
  return (
    seg.ack === tcb.snd.una &&
    tcb.sentLog.length > 0 &&
    seg.textLength === 0 &&
    (seg.flags & (SYN | FIN)) === 0 &&
    !tcb.sackEnabled // with SACK, only blocks tell that something has arrived
  );
}

/**
 * SND.WND follows the newest segment. WL1 keeps an old one from changing it back, unless it acknowledges something new; of
 * two with the same number, the larger window is the newer one, or none at all (as Linux). Tells whether it has changed.
 */
function updateWindow(tcb: Tcb, seg: Segment, now: Micros): boolean {
  const { snd } = tcb;
  if (seqLt(seg.ack, snd.una)) return false;
  const wnd = seg.wnd * (1 << snd.wndShift);
  const isNewer = seqGt(seg.ack, snd.una) || seqLt(snd.wl1, seg.seq);
  const isTaken = isNewer || (snd.wl1 === seg.seq && (wnd > snd.wnd || (wnd === 0 && snd.wnd > 0)));
  if (isTaken) {
    if (wnd !== snd.wnd) tcb.context.output.add(tcb);
    snd.wnd = wnd;
    snd.wl1 = seg.seq;
    if (wnd > snd.maxWnd) snd.maxWnd = wnd;
  }
  onWindowAnswer(tcb, now);
  // SHLD-17: while the peer answers with a shut window, nothing is timed out.
  if (snd.wnd === 0 || tcb.sentLog.length === 0) tcb.retries = 0;
  return isTaken && seg.ack === snd.una;
}

/** While nothing is in flight, every answer of the peer tells whether there is still need to probe (section 3.8.6.1). */
function onWindowAnswer(tcb: Tcb, now: Micros): void {
  const { snd, timers } = tcb;
  const waiting = unsentOctets(tcb);
  if (tcb.sentLog.length > 0 || waiting === 0) return;
  if (Math.min(waiting, snd.mss) <= snd.wnd) {
    tcb.probeBackoff = 0; // the timer goes on, should Nagle or a cork hold the text back
    tcb.probingSince = -1;
  } else if (timers.persist !== never) setTimer(tcb, 'persist', now + probeInterval(tcb));
}

/** SND.UNA moves: takes what is acknowledged off the queue and the log, measures, grows, and sets the timer anew. */
export function acknowledgeSent(tcb: Tcb, seg: Segment, now: Micros): void {
  const { snd, sentLog, context } = tcb;
  const { ack } = seg;
  tcb.acknowledged += seqSub(ack, snd.una);
  sentLog.acknowledge(ack);
  const text = seqSub(seqMin(ack, tcb.textEnd), tcb.queueStart);
  if (text > 0) {
    tcb.sendQueue.release(text);
    if (tcb.sendQueue.length === 0) tcb.sendQueue.clear();
    tcb.queueStart = seqAdd(tcb.queueStart, text);
  }
  snd.una = ack;
  onAckOfMtuProbe(tcb);
  noteAcknowledged(tcb, now);
  // What is behind SND.UNA keeps up with it: after 2 GiB it would look as if it were ahead.
  if (seqLt(snd.small, ack)) snd.small = ack;
  if (seqLt(snd.up, ack)) snd.up = ack;
  tcb.retries = 0;
  tcb.softError = null;
  if (!sentLog.hasResent) tcb.resendingSince = -1;
  context.changed.add(tcb);
  context.output.add(tcb);
}

/** The same for a congestion control that decides everything by the rate of the way. */
function model(tcb: Tcb, sample: RateSample): void {
  tcb.congestion.onSample!(sample);
  if (sample.limitsItself) markAppLimited(tcb);
  growSendBuffer(tcb);
}

/** Segments that this acknowledgment is the first to tell of: not by SACK before, nor, without it, by duplicates. */
function newlyArrived({ context: { delivery }, sackEnabled, recovery }: Tcb): number {
  return sackEnabled ? delivery.arrived : Math.max(1, delivery.arrived - recovery.duplicateAcks);
}

/**
 * Without SACK: does a duplicate tell that another segment has left the way? Not where duplicates of the last acknowledgment of a
 * recovery may be about what was sent twice (RFC 6582 section 4.1), nor after a timeout before anything new is under way (as Linux).
 */
function tellsOfDeparture({ recovery, snd }: Tcb): boolean {
  if (recovery.phase !== 'recovery' && recovery.phase !== 'loss') return true;
  if (snd.una === recovery.recover) return false;
  return recovery.phase === 'recovery' || seqGt(snd.nxt, recovery.recover);
}

/** Congestion control hears of what has arrived. */
function grow(tcb: Tcb, now: Micros): void {
  const { snd, context } = tcb;
  const { ackEvent } = context;
  ackEvent.isLimited = isCwndLimited(tcb);
  ackEvent.minRtt = tcb.rtt.min;
  ackEvent.una = snd.una;
  ackEvent.nxt = snd.nxt;
  ackEvent.now = now;
  tcb.congestion.onAck(ackEvent);
  growSendBuffer(tcb);
}

/** Something new has been acknowledged (RFC 6298 sections 5.2 and 5.3). */
export function scheduleRetransmit(tcb: Tcb, now: Micros): void {
  if (tcb.sentLog.length === 0) tcb.timers.retransmit = never;
  else if (hasReneged(tcb)) setTimer(tcb, 'retransmit', now + Math.max(tcb.rtt.srtt / 2, leastWaitForReneged));
  else setTimer(tcb, 'retransmit', now + tcb.rtt.rto);
  scheduleTailProbe(tcb, now);
}

/**
 * The round trip that an acknowledgment tells (RFC 6298 section 3, Karn's algorithm): of what it acknowledges, or else of what it
 * tells of by SACK, the oldest, so that the time covers what the receiver waits; congestion control is told of the newest. Where
 * segments were sent again, the echo of a timestamp says which copy it is about: only that of the last one measures a round
 * trip. An older echo may mean that acknowledgments were lost, and would take the time until the timeout for the way's.
 * Returns whether there was one.
 */
export function takeRoundTrip(tcb: Tcb, seg: Segment, isNew: boolean, now: Micros): boolean {
  const { delivery, ackEvent } = tcb.context;
  // After a timeout, a block may have been waited for as long as the timeout took, which then would grow for ever
  // (`npm run bench -- loss`; Linux takes it).
  const told = tcb.recovery.phase === 'loss' ? -1 : delivery.oldestSackedAt;
  const oldest = delivery.oldestPassedAt >= 0 ? delivery.oldestPassedAt : told;
  if (oldest >= 0) {
    const newest = delivery.newestSackedAt >= 0 ? delivery.newestSackedAt : delivery.newestPassedAt;
    ackEvent.rtt = now - newest;
    tcb.rtt.sample(now - oldest, ackEvent.rtt, tcb.snd);
    return true;
  }
  if (!isNew) return false;
  const echoed = echoedRoundTrip(tcb, seg, now);
  if (echoed < 0 || echoed > now - delivery.headSentAt + timestampTick) return false;
  ackEvent.rtt = echoed;
  tcb.rtt.sample(echoed, echoed, tcb.snd);
  return true;
}

/**
 * SACK tells of something that left before the first segment did for the last time: the way works, and the timeout may wait (as
 * Linux). What left later says so again and again in a long recovery, and would put the timeout off for ever.
 */
const isWorthMoreTime = ({ sentLog, context: { delivery } }: Tcb): boolean =>
  delivery.oldestSackedAt >= 0 && sentLog.length > 0 && delivery.oldestSackedAt < sentLog.sentAt(0);

/** Our FIN has been acknowledged: what that means in each state. False: the connection is gone. */
function afterFinAcknowledged(tcb: Tcb, seg: Segment, now: Micros): boolean {
  if (!tcb.finAcknowledged) return true;
  switch (tcb.state) {
    case 'FIN-WAIT-1':
      enter(tcb, 'FIN-WAIT-2', now);
      if (!tcb.isOrphan) return true;
      if (tcb.settings.finWait2 < 0) {
        sendResetFor(tcb, seg); // nobody waits for the peer's FIN
        abandon(tcb, now);
        return false;
      }
      return waitForPeersFin(tcb, now);
    case 'CLOSING':
      enterTimeWait(tcb, now);
      return true;
    case 'LAST-ACK':
      abandon(tcb, now);
      return false;
    default:
      return true;
  }
}
