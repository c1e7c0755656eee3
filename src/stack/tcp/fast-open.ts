import type { Address } from '../base/address.ts';
import { seqAdd, seqSub } from '../base/seq.ts';
import type { Segment } from '../wire/tcp.ts';
import type { Listener } from './listener.ts';
import { isSynchronised } from './state.ts';
import type { Tcb, TcpContext } from './tcb.ts';

/**
 * Fast Open (RFC 7413): text with the SYN, for who has been here before. The server's cookie proves that the client's
 * address is not a lie; without one, a SYN asks for it.
 */

/** Bits of the option `fastOpen` (Linux: tcp_fastopen). */
const client = 1;
const server = 2;
const clientWithoutCookie = 4;
const serverWithoutCookie = 0x200;
const everyListener = 0x400;

/** Octets of the SYN's room that Linux leaves for options. */
const roomForOptions = 40;
const noCookie: Uint8Array = new Uint8Array(0);

// Client -----------------------------------------------------------------------------------------------------------------

/** A connection is being opened: does its SYN wait for text, or ask for a cookie (section 4.1.1)? */
export function prepare(tcb: Tcb, defaultMss: number): void {
  const { settings, context } = tcb;
  const { fastOpen: bits } = context.options.tcp;
  if (!settings.fastOpenConnect || (bits & client) === 0) return;
  const known = context.fastOpenCookies.recall(tcb.remote);
  const needsNone = settings.fastOpenNoCookie || (bits & clientWithoutCookie) !== 0;
  const { ownFastOpen: fastOpen } = tcb;
  fastOpen.isAsking = true;
  fastOpen.isWaiting = known !== null || needsNone;
  fastOpen.cookie = known?.cookie ?? (needsNone ? null : noCookie);
  fastOpen.room = (known?.mss ?? defaultMss) - roomForOptions;
}

/** The cookie that our SYN or SYN-ACK carries: null for none, empty to ask for one. A SYN sent again has neither it nor text. */
export const cookieToSend = ({ fastOpen, retries }: Tcb): Uint8Array | null => (retries === 0 ? fastOpen.cookie : null);

/** The SYN-ACK has come: a cookie for the next time, and what has become of the text (section 4.1.3). */
export function settleFastOpen(tcb: Tcb, seg: Segment): void {
  if (!tcb.fastOpen.isAsking) return;
  const { ownFastOpen: fastOpen, sentLog, context } = tcb;
  const { options } = seg;
  if (options.fastOpenLength > 0) {
    context.fastOpenCookies.remember(tcb.remote, options.fastOpenCookie.slice(0, options.fastOpenLength), tcb.peerMss);
  }
  if (!fastOpen.sentText) return;
  fastOpen.textTaken = sentLog.length === 0;
  if (fastOpen.textTaken) return;
  fastOpen.failure = tcb.retries > 0 ? 3 : 2;
  for (let index = 0; index < sentLog.length; index++) sentLog.markLostAgain(index);
  tcb.ownRecovery.forced = true;
}

// Server -----------------------------------------------------------------------------------------------------------------

/** What a SYN to a listener may do: hand its text over at once, or only learn a cookie. */
export function judgeSyn(
  listener: Listener,
  seg: Segment,
  remote: Address,
  context: TcpContext,
): { readonly takesText: boolean; readonly cookie: Uint8Array | null } {
  const { fastOpen: bits } = context.options.tcp;
  const { settings } = listener;
  const most = settings.fastOpenQueue || ((bits & everyListener) !== 0 ? listener.backlog : 0);
  const asks = seg.options.fastOpenLength >= 0;
  const isOff = (bits & server) === 0 || most === 0 || (!asks && seg.textLength === 0);
  if (isOff || listener.fastOpens >= most) return { takesText: false, cookie: null };
  if ((bits & serverWithoutCookie) !== 0 || settings.fastOpenNoCookie) return { takesText: true, cookie: null };
  if (!asks) return { takesText: false, cookie: null };
  const { fastOpenCookie, fastOpenLength } = seg.options;
  const isOurs = context.fastOpenCookies.isOurs(remote, fastOpenCookie.subarray(0, fastOpenLength));
  return { takesText: isOurs, cookie: isOurs ? null : context.fastOpenCookies.give(remote) };
}

/** The connection is the user's at once, with the text of its SYN (section 4.2.2). */
export function acceptAtOnce(listener: Listener, tcb: Tcb, seg: Segment): void {
  const { ownFastOpen: fastOpen, rcv, receiveQueue, context } = tcb;
  const count = Math.min(seg.textLength, Math.max(0, seqSub(rcv.edge, rcv.nxt)));
  receiveQueue.append(seg.bytes, seg.textStart, seg.textStart + count);
  rcv.nxt = seqAdd(rcv.nxt, count);
  fastOpen.textTaken = count > 0;
  fastOpen.isEarly = true;
  listener.fastOpens++;
  fastOpen.release = () => listener.fastOpens--;
  listener.halfOpen.delete(tcb);
  listener.acceptQueue.push(tcb);
  context.changed.add(listener);
  context.counters.tcpPassiveOpens++;
}

/** The handshake is done, or will never be. */
export function endEarly(tcb: Tcb): void {
  if (!tcb.fastOpen.isEarly) return;
  const { ownFastOpen: fastOpen } = tcb;
  fastOpen.isEarly = false;
  fastOpen.release?.();
  fastOpen.release = null;
}

/** May text be exchanged: after the handshake, or before its end with Fast Open? */
export const mayExchange = (tcb: Tcb): boolean =>
  isSynchronised(tcb.state) || (tcb.state === 'SYN-RECEIVED' && tcb.fastOpen.isEarly);

/** The first text of a connection whose SYN waits for it. Returns how many octets the SYN takes. */
export function openWith(tcb: Tcb, data: Uint8Array): number {
  const { ownFastOpen: fastOpen } = tcb;
  const count = Math.max(0, Math.min(data.length, fastOpen.room));
  tcb.sendQueue.append(data, 0, count);
  tcb.octetsOut += count;
  fastOpen.isWaiting = false;
  tcb.context.output.add(tcb);
  return count;
}
