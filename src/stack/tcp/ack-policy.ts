import { seqSub } from '../base/seq.ts';
import { type Micros, ms, never } from '../base/time.ts';
import type { Tcb } from './tcb.ts';
import { setTimer } from './timers.ts';

/**
 * When to acknowledge (RFC 9293 section 3.8.6.3, RFC 5681 section 4.2): at once what is out of order, fills a gap or
 * makes two full segments; the rest after 40 ms, unless it can ride on something.
 */

/** The next packet must carry an acknowledgment, and there must be one soon. */
export function acknowledgeNow(tcb: Tcb): void {
  tcb.ack.now = true;
  tcb.context.output.add(tcb);
}

/**
 * Text has arrived beyond a gap: the sender learns of it at once (RFC 5681 section 4.2). Several may come before anything
 * can leave; with SACK one acknowledgment tells of all, without it the peer counts three for a loss, and more to inflate.
 */
export function onTextBeyondGap(tcb: Tcb): void {
  if (!tcb.sackEnabled && tcb.ack.duplicates < mostDuplicates) tcb.ack.duplicates++;
  acknowledgeNow(tcb);
}

/** Text has arrived in order. `filledGap` when it joined text that had been waiting. */
export function onText(tcb: Tcb, filledGap: boolean, now: Micros): void {
  const { ack, rcv } = tcb;
  adaptWait(tcb, now);
  ack.textAt = now;
  ack.duplicates = 0;
  const unacknowledged = seqSub(rcv.nxt, ack.lastSent);
  if (filledGap || isQuick(tcb) || unacknowledged > rcv.mss) return acknowledgeNow(tcb); // SHLD-19
  const wait = boundedWait(tcb);
  const { delayedAck } = tcb.timers;
  if (delayedAck === never) setTimer(tcb, 'delayedAck', now + wait);
  else if (delayedAck <= now + wait / 4)
    acknowledgeNow(tcb); // about to fire anyway
  else setTimer(tcb, 'delayedAck', Math.min(delayedAck, now + wait));
}

const isQuick = ({ ack }: Tcb): boolean => ack.quick > 0 && !ack.isInteractive;

/** An acknowledgment waits about as long as segments are apart. After a pause of one RTO the peer begins slowly again. */
function adaptWait(tcb: Tcb, now: Micros): void {
  const { ack, rtt, context } = tcb;
  const least = context.options.tcp.delayedAck;
  if (ack.wait === 0) {
    ack.quick = quickAcks(tcb);
    ack.wait = least;
    return;
  }
  const apart = now - ack.textAt;
  if (apart <= least / 2) ack.wait = ack.wait / 2 + least / 2;
  else if (apart < ack.wait) ack.wait = Math.min(ack.wait / 2 + apart, rtt.rto);
  else if (apart > rtt.rto) ack.quick = quickAcks(tcb);
}

/** One for each two segments that the window holds that was last offered. */
const quickAcks = ({ rcv, ack }: Tcb): number =>
  Math.min(mostQuickAcks, Math.floor(seqSub(rcv.edge, ack.lastSent) / (2 * rcv.mss)) || 2);

/** The peer is to hear soon of what follows: so many acknowledgments are not delayed, whatever they could ride on (as Linux). */
export function becomeQuick(tcb: Tcb, most: number): void {
  const { ack, context } = tcb;
  ack.quick = Math.max(ack.quick, Math.min(most, quickAcks(tcb)));
  ack.isInteractive = false;
  ack.wait = context.options.tcp.delayedAck;
}

/** MUST-40: under half a second; not longer than a round trip either, where that is known. */
function boundedWait({ ack, rtt, context }: Tcb): Micros {
  const least = context.options.tcp.delayedAck;
  if (ack.wait <= least) return ack.wait;
  const most = rtt.srtt > 0 ? Math.min(mostAckWait, Math.max(rtt.srtt, least)) : mostAckWait;
  return Math.min(ack.wait, most);
}

/** Nothing has come that the acknowledgment could have ridden on. */
export function onAckTimeout(tcb: Tcb): void {
  const { ack, rtt, context, timers } = tcb;
  timers.delayedAck = never;
  if (ack.isInteractive) {
    ack.isInteractive = false;
    ack.wait = context.options.tcp.delayedAck;
  } else ack.wait = Math.min(ack.wait * 2, rtt.rto);
  acknowledgeNow(tcb);
}

/** A segment that carries an acknowledgment leaves. */
export function onAckSent(tcb: Tcb, withText: boolean, now: Micros): void {
  const { ack } = tcb;
  // Sending soon after receiving: an interactive connection, whose acknowledgments ride on its answers.
  if (withText && ack.wait > 0 && now - ack.textAt < ack.wait) ack.isInteractive = true;
  if (ack.quick > 0 && tcb.rcv.nxt !== ack.lastSent && --ack.quick === 0) ack.wait = tcb.context.options.tcp.delayedAck;
  if (!withText && ack.duplicates > 0) ack.duplicates--;
  ack.now = ack.duplicates > 0;
  ack.lastSent = tcb.rcv.nxt;
  tcb.timers.delayedAck = never;
}

/** Linux: TCP_DELACK_MAX. */
export const mostAckWait: Micros = ms(200);

/** Immediate acknowledgments at the start of a connection, while the peer's cwnd is small (Linux: TCP_MAX_QUICKACKS). */
export const mostQuickAcks = 16;

/** As many as a turn reads packets. */
const mostDuplicates = 64;
