import { seqAdd, seqGe, seqSub } from '../base/seq.ts';
import type { Micros } from '../base/time.ts';
import type { Segment } from '../wire/tcp.ts';
import { quota } from './pipe.ts';
import type { Tcb } from './tcb.ts';
import { echoedRoundTrip, timestampTick } from './timestamps.ts';

/**
 * The sizes of the buffers find themselves, as on Linux: the receive buffer follows what the user reads in a round trip
 * ("dynamic right-sizing", Fisk and Feng 2001), the send buffer follows cwnd. A size that the user has set stays.
 */

/** The most that one segment of text lets the offered window grow by, in segments. */
const growth = 2;
/** Segments too small to be worth the memory that they take do not widen the window. */
const leastText = 128;

/** Text has arrived: the offered window grows with full segments, and the receiver measures its own round trip. */
export function onTextArrived(tcb: Tcb, seg: Segment, now: Micros): void {
  measureRoundTrip(tcb, seg, now);
  const length = seg.textLength;
  if (length < leastText) return;
  const { rcv } = tcb;
  const room = windowSpace(tcb) - rcv.ssthresh;
  if (room > 0) rcv.ssthresh += Math.min(room, growth * Math.max(tcb.advertisedMss, length));
}

/** What the window may be at most: the buffer, unless the user wants less (TCP_WINDOW_CLAMP). */
export const windowSpace = ({ receiveLimit, settings }: Tcb): number =>
  settings.windowClamp > 0 ? Math.min(receiveLimit, settings.windowClamp) : receiveLimit;

/** A receiver sends little that could be timed: it takes the echo of its timestamps, or the time that one window needs. */
function measureRoundTrip(tcb: Tcb, seg: Segment, now: Micros): void {
  const { sizing, rcv } = tcb;
  if (tcb.ts.enabled) {
    if (seg.textLength < rcv.mss) return;
    const echoed = echoedRoundTrip(tcb, seg, now);
    if (echoed < 0) return;
    const sample = Math.max(echoed, timestampTick);
    sizing.roundTrip = sizing.roundTrip === 0 ? sample : sizing.roundTrip + (sample - sizing.roundTrip) / 8;
    return;
  }
  if (sizing.windowSince >= 0) {
    if (!seqGe(rcv.nxt, sizing.windowEnd)) return;
    const sample = Math.max(now - sizing.windowSince, timestampTick);
    // The peer may have paused: only the least is a round trip.
    sizing.roundTrip = sizing.roundTrip === 0 ? sample : Math.min(sizing.roundTrip, sample);
  }
  sizing.windowSince = now;
  sizing.windowEnd = rcv.edge;
}

/** The user has read `count` octets: twice what it reads in a round trip, and what is on its way, has to fit. */
export function onRead(tcb: Tcb, count: number, now: Micros): void {
  const { sizing, settings, context } = tcb;
  const { tcp } = context.options;
  sizing.copied += count;
  if (sizing.since < 0) {
    sizing.since = now;
    sizing.lastCopied = tcp.initialWindow * tcb.advertisedMss;
    return;
  }
  if (sizing.roundTrip === 0 || now - sizing.since < sizing.roundTrip) return;
  const { copied, lastCopied } = sizing;
  sizing.copied = 0;
  sizing.since = now;
  if (copied <= lastCopied) return;
  sizing.lastCopied = copied;
  if (!tcp.moderateReceiveBuffer || settings.receiveBuffer > 0) return;
  // The sender may double in a round trip: the window has to be ahead of it.
  const wanted = 2 * copied + 16 * tcb.advertisedMss;
  const growing = wanted + (2 * wanted * (copied - lastCopied)) / lastCopied;
  tcb.receiveLimit = Math.max(tcb.receiveLimit, Math.min(Math.ceil(growing), tcp.receiveBufferMax));
}

/** cwnd has grown: two flights of it have to fit, so that the user keeps ahead of the network. */
export function growSendBuffer(tcb: Tcb): void {
  const { settings, congestion, snd, context } = tcb;
  if (settings.sendBuffer > 0) return;
  const wanted = 2 * Math.max(congestion.cwnd, context.options.tcp.initialWindow) * snd.mss;
  if (wanted > tcb.sendLimit)
    tcb.sendLimit = Math.min(wanted, Math.max(tcb.sendLimit, context.options.tcp.sendBufferMax));
}

/** How many octets SEND may take now: room in the buffer, and not too many of them unsent (TCP_NOTSENT_LOWAT). */
export function sendRoom(tcb: Tcb): number {
  const { settings, context } = tcb;
  const lowWater = settings.notSentLowWater || context.options.tcp.notSentLowWater;
  const room = tcb.sendLimit - tcb.sendQueue.length;
  if (lowWater === Number.POSITIVE_INFINITY) return room;
  const { unsent, snd } = tcb;
  if (unsent >= lowWater) return 0;
  // In whole segments, as Linux queues them: what may leave at once, and so many that there is enough behind it.
  const leaving = Math.max(0, Math.min(quota(tcb) * snd.mss, seqSub(seqAdd(snd.una, snd.wnd), snd.nxt)));
  return Math.min(room, leaving + Math.ceil(lowWater / snd.mss) * snd.mss - unsent);
}

/** Is so little unsent that a writer should be woken: half of what makes writing wait? */
function mayWake({ settings, context, unsent }: Tcb): boolean {
  const lowWater = settings.notSentLowWater || context.options.tcp.notSentLowWater;
  return lowWater === Number.POSITIVE_INFINITY || 2 * unsent < lowWater;
}

/** Is there room enough for a writer to be woken: a third of the buffer, as on Linux? */
export const hasRoom = (tcb: Tcb): boolean => tcb.sendLimit - tcb.sendQueue.length >= tcb.sendLimit / 3 && mayWake(tcb);

/** The window that the first segments offer, never scaled (RFC 7323 section 2.2). */
export function firstWindow(tcb: Tcb): number {
  const space = windowSpace(tcb);
  // A small buffer offers whole segments only, as on Linux.
  const window =
    space < 0xffff && space > tcb.advertisedMss ? space - (space % tcb.advertisedMss) : Math.min(0xffff, space);
  tcb.rcv.ssthresh = window;
  return window;
}

/** RCV.NXT + the window that a first segment has told. */
export function openFirstWindow(tcb: Tcb): void {
  tcb.rcv.edge = seqAdd(tcb.rcv.nxt, firstWindow(tcb));
}
