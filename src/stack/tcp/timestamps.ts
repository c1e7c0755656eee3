import { seqGt, seqLe, seqLt, seqSub, toSeq } from '../base/seq.ts';
import type { Micros } from '../base/time.ts';
import { ms, seconds } from '../base/time.ts';
import type { Segment } from '../wire/tcp.ts';
import { ACK, RST, SYN } from '../wire/tcp.ts';
import { writeTimestamps } from '../wire/tcp-options.ts';
import type { Tcb } from './tcb.ts';

/**
 * Timestamps (RFC 7323 sections 3 to 5): a clock of 1 ms per tick, the echo, and protection against wrapped sequence
 * numbers (PAWS).
 */

/** After 24 days without an update TS.Recent says nothing: the peer's clock may have gone half around (section 5.5). */
const recentIsGoodFor: Micros = seconds(24 * 86_400);

/** Ticks that a timestamp may be behind: clocks are read and segments sent not quite in one order (Linux: TCP_PAWS_WINDOW). */
const clockSlack = 1;

/** How long the clock of the timestamps stands still. */
export const timestampTick: Micros = ms(1);

/** TSval of a segment that leaves now. */
export const tsValue = (tcb: Tcb, now: Micros): number => (Math.floor(now / 1000) + tcb.ts.offset) >>> 0;

/** Writes the option into a segment that leaves now. As signed numbers its values need no heap (`npm run bench -- core`). */
export function writeOwnTimestamps({ ts }: Tcb, into: Uint8Array, at: number, now: Micros): void {
  writeTimestamps(into, at, (Math.floor(now / 1000) + ts.offset) | 0, ts.recent | 0);
}

/** PAWS: is this segment older than one already seen? A reset is exempt (section 5.2). */
export function isOldTimestamp(tcb: Tcb, seg: Segment, now: Micros): boolean {
  const { ts } = tcb;
  if (!ts.enabled || !seg.options.hasTimestamps || (seg.flags & RST) !== 0) return false;
  const behind = seqSub(toSeq(ts.recent), toSeq(seg.options.tsVal));
  if (behind <= clockSlack || now - ts.recentAt >= recentIsGoodFor) return false;
  return !isOvertakenAck(tcb, seg, behind);
}

/** An acknowledgment that says nothing new and is only a little older has been overtaken: no reason to answer (as Linux). */
const isOvertakenAck = (tcb: Tcb, seg: Segment, behind: number): boolean =>
  (seg.flags & ACK) !== 0 &&
  tcb.state !== 'TIME-WAIT' &&
  seg.len === 0 &&
  seg.seq === tcb.rcv.nxt &&
  seg.ack === tcb.snd.una &&
  !wouldUpdateWindow(tcb, seg) &&
  behind * timestampTick <= tcb.rtt.rto * 1.2;

function wouldUpdateWindow({ snd }: Tcb, seg: Segment): boolean {
  const wnd = seg.wnd * 2 ** snd.wndShift;
  return seqGt(seg.seq, snd.wl1) || (seg.seq === snd.wl1 && (wnd > snd.wnd || wnd === 0));
}

/** A bare acknowledgment with a number of before: text has overtaken it, which is common and no reason to answer (as Linux). */
export const isOvertaken = ({ rcv }: Tcb, seg: Segment): boolean =>
  (seg.flags & (ACK | SYN)) === ACK && seg.len === 0 && seqLt(seg.seq, rcv.nxt);

/** Section 4.3: remember TSval of the segment that begins at or before the last acknowledgment sent. */
export function updateRecent(tcb: Tcb, seg: Segment, now: Micros): void {
  const { ts } = tcb;
  if (!ts.enabled || !seg.options.hasTimestamps) return;
  if (seqLt(toSeq(seg.options.tsVal), toSeq(ts.recent)) && now - ts.recentAt < recentIsGoodFor) return;
  if (seqLe(seg.seq, tcb.ack.lastSent)) {
    ts.recent = seg.options.tsVal;
    ts.recentAt = now;
  }
}

/**
 * The round trip that the echo of a timestamp measures (section 4.1), or -1 when it cannot be right: an echo of zero, of
 * the future, or of a time before the connection could have begun.
 */
export function echoedRoundTrip(tcb: Tcb, seg: Segment, now: Micros): Micros {
  if (!tcb.ts.enabled || !seg.options.hasTimestamps || seg.options.tsEcr === 0) return -1;
  const ticks = (tsValue(tcb, now) - seg.options.tsEcr) >>> 0;
  return ticks > 600_000 ? -1 : ticks * 1000;
}

/** Of a handshake: does it echo a timestamp that our SYN, or SYN-ACK, never had? (Zero is no echo.) */
export function echoesAnother(tcb: Tcb, { options }: Segment, now: Micros): boolean {
  if (!tcb.context.options.tcp.timestamps || !options.hasTimestamps || options.tsEcr === 0 || tcb.isCookie)
    return false;
  const echo = toSeq(options.tsEcr);
  const last = tcb.sentLog.length > 0 ? tcb.sentLog.sentAt(0) : now;
  return seqLt(echo, toSeq(tsValue(tcb, tcb.openedAt))) || seqLt(toSeq(tsValue(tcb, last)), echo);
}
