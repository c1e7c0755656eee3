import { seqSub } from '../base/seq.ts';
import { type Micros, never } from '../base/time.ts';
import type { Tcb } from './tcb.ts';
import { setTimer } from './timers.ts';
import { receiveWindow } from './window.ts';

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
  if (ack.textAt < 0) ack.quick = Math.min(ack.quick, Math.max(2, Math.floor(receiveWindow(tcb) / (2 * rcv.mss))));
  ack.textAt = now;
  ack.duplicates = 0;
  const unacknowledged = seqSub(rcv.nxt, ack.lastSent);
  if (filledGap || ack.quick > 0 || unacknowledged >= 2 * rcv.mss) return acknowledgeNow(tcb); // SHLD-19
  if (tcb.timers.delayedAck === never) setTimer(tcb, 'delayedAck', now + tcb.context.options.tcp.delayedAck);
}

/** A segment that carries an acknowledgment leaves. */
export function onAckSent(tcb: Tcb, withText: boolean, now: Micros): void {
  const { ack } = tcb;
  // Sending soon after receiving: an interactive connection, whose acknowledgments ride on its answers.
  if (withText && now - ack.textAt < tcb.context.options.tcp.delayedAck) ack.quick = 0;
  else if (ack.quick > 0 && tcb.rcv.nxt !== ack.lastSent) ack.quick--;
  if (!withText && ack.duplicates > 0) ack.duplicates--;
  ack.now = ack.duplicates > 0;
  ack.lastSent = tcb.rcv.nxt;
  tcb.timers.delayedAck = never;
}

/** Immediate acknowledgments at the start of a connection, while the peer's cwnd is small (Linux: TCP_MAX_QUICKACKS). */
export const mostQuickAcks = 16;

/** As many as a turn reads packets. */
const mostDuplicates = 64;
