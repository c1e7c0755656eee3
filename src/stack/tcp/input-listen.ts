import { copyAddress } from '../base/address.ts';
import { findPathBy, headerRoom } from '../base/path.ts';
import { type Seq, seqAdd } from '../base/seq.ts';
import { type Micros, seconds } from '../base/time.ts';
import type { Datagram } from '../wire/datagram.ts';
import { ACK, FIN, finishSegment, RST, type Segment, SYN } from '../wire/tcp.ts';
import { openFirstWindow } from './buffers.ts';
import { answerTo } from './ecn.ts';
import { acceptAtOnce, judgeSyn } from './fast-open.ts';
import type { Listener } from './listener.ts';
import { advertiseMss, settle } from './negotiate.ts';
import { writeSynSegment } from './output.ts';
import { enter } from './state.ts';
import { recallFromTimestamp } from './syn-cookies.ts';
import { Tcb, type TcpContext } from './tcb.ts';

/**
 * SEGMENT ARRIVES in LISTEN (RFC 9293 section 3.10.7.2): a SYN makes a half-open connection, or, when there is no room for
 * it, a cookie; an acknowledgment is a cookie coming back, or a mistake.
 */

/** How long after the last cookie was given one may come back. */
const cookiesLast: Micros = seconds(180);

/** Returns 'reset' when the segment asks for one, or the connection that it has to be given to. */
export function arrivesInListen(
  listener: Listener,
  seg: Segment,
  datagram: Datagram,
  context: TcpContext,
  now: Micros,
): 'reset' | Tcb | null {
  if ((seg.flags & RST) !== 0) {
    context.drop('reset ignored', now); // first
    return null;
  }
  // second: nothing has been sent that could be acknowledged, but cookies
  if ((seg.flags & ACK) !== 0) return takeCookie(listener, seg, datagram, context, now);
  if ((seg.flags & (SYN | FIN)) !== SYN) {
    context.drop('no connection', now); // third: no SYN, or one that closes what it opens
    return null;
  }
  const { tcp } = context.options;
  const isFull = listener.halfOpenIsFull(tcp.maxSynBacklog);
  const withCookie = tcp.synCookies === 2 || (isFull && tcp.synCookies === 1);
  if (listener.acceptQueueIsFull || (isFull && !withCookie)) {
    context.drop(listener.acceptQueueIsFull ? 'accept queue full' : 'listen queue full', now);
    return null; // the peer will ask again
  }
  const tcb = halfOpen(listener, seg, datagram, context, withCookie, now);
  if (tcb === null) return null;
  receiveSyn(tcb, seg, now);
  answerTo(tcb, seg);
  if (withCookie) {
    sendCookie(listener, tcb, now);
    return null;
  }
  keep(listener, tcb, now);
  const { takesText, cookie } = judgeSyn(listener, seg, tcb.remote, context);
  if (cookie !== null) tcb.ownFastOpen.cookie = cookie;
  if (takesText) acceptAtOnce(listener, tcb, seg);
  context.output.add(tcb); // its SYN-ACK
  return null;
}

/** A connection as its SYN makes it, known to nobody yet. */
function halfOpen(
  listener: Listener,
  seg: Segment,
  datagram: Datagram,
  context: TcpContext,
  withCookie: boolean,
  now: Micros,
  cookie: Seq | null = null,
): Tcb | null {
  const local = copyAddress(datagram.destination);
  const remote = copyAddress(datagram.source);
  const path = findPathBy(context.findPath, listener.settings.device, remote, local);
  if (path === null || path.toMany) {
    context.drop('no route', now);
    return null;
  }
  const { sourcePort: remotePort, destinationPort: localPort } = seg;
  const offered = seg.options.mss === 0 ? (remote.isV4 ? 536 : 1220) : seg.options.mss;
  const iss =
    cookie ??
    (withCookie
      ? context.cookies.make(local, localPort, remote, remotePort, seg.seq, offered, now)
      : context.initial.iss(local, localPort, remote, remotePort, now));
  const settings = listener.settings.inherit();
  const tcb = new Tcb(context, path.source, localPort, remote, remotePort, path, iss, settings);
  tcb.wasPassive = true;
  tcb.ts.offset = context.initial.timestampOffset(local, localPort, remote, remotePort);
  return tcb;
}

/** The listener has another half-open connection. */
function keep(listener: Listener, tcb: Tcb, now: Micros): void {
  tcb.listener = listener;
  listener.halfOpen.add(tcb);
  tcb.context.demux.add(tcb);
  enter(tcb, 'SYN-RECEIVED', now);
}

// Cookies ----------------------------------------------------------------------------------------------------------------

/** Answers a SYN and forgets it. */
function sendCookie(listener: Listener, tcb: Tcb, now: Micros): void {
  const { context, local, remote } = tcb;
  listener.cookieAt = now;
  context.counters.tcpCookiesSent++;
  // Without timestamps there is no room to remember these (RFC 4987 section 3.6).
  if (!tcb.ts.enabled) {
    tcb.windowScalingEnabled = false;
    tcb.sackEnabled = false;
    if (tcb.ecn.enabled) tcb.ownEcn.enabled = false;
  }
  tcb.isCookie = true;
  const room = headerRoom(remote);
  const packet = new Uint8Array(room + 60);
  const length = writeSynSegment(tcb, packet, room, now);
  finishSegment(packet, room, length, local, remote); // what is sent alone has its checksum whole
  context.sendAlone(local, remote, tcb.path.interfaceIndex, packet.subarray(room, room + length));
}

/** An acknowledgment without a connection: does it bring a cookie back? Then there is one now. */
function takeCookie(
  listener: Listener,
  seg: Segment,
  datagram: Datagram,
  context: TcpContext,
  now: Micros,
): 'reset' | Tcb | null {
  const isExpected = context.options.tcp.synCookies !== 0 && now - listener.cookieAt < cookiesLast;
  if ((seg.flags & SYN) !== 0 || !isExpected) return 'reset';
  const { source, destination } = datagram;
  const cookie = seqAdd(seg.ack, -1);
  const irs = seqAdd(seg.seq, -1);
  const { sourcePort, destinationPort } = seg;
  const mss = context.cookies.check(destination, destinationPort, source, sourcePort, irs, cookie, now);
  if (mss === 0) {
    context.counters.tcpCookiesRefused++;
    return 'reset';
  }
  context.counters.tcpCookiesTaken++;
  if (listener.acceptQueueIsFull) {
    context.drop('accept queue full', now);
    return null;
  }
  const tcb = halfOpen(listener, seg, datagram, context, true, now, cookie);
  if (tcb === null) return null;
  tcb.isCookie = true;
  tcb.irs = irs;
  tcb.rcv.nxt = seg.seq;
  tcb.ack.lastSent = seg.seq;
  advertiseMss(tcb);
  openFirstWindow(tcb);
  recallOptions(tcb, seg, mss, now);
  // What the SYN-ACK would have left behind.
  tcb.snd.nxt = seqAdd(cookie, 1);
  tcb.sentLog.record(tcb.snd.nxt, now);
  tcb.sentLog.markAmbiguous(0);
  keep(listener, tcb, now);
  return tcb;
}

function recallOptions(tcb: Tcb, seg: Segment, mss: number, now: Micros): void {
  const { options } = seg;
  const recalled = options.hasTimestamps
    ? recallFromTimestamp(options.tsEcr)
    : { windowScale: -1, sackPermitted: false, ecn: false };
  const { mss: sentMss, windowScale, sackPermitted } = options;
  Object.assign(options, { mss, windowScale: recalled.windowScale, sackPermitted: recalled.sackPermitted });
  settle(tcb, seg, now);
  Object.assign(options, { mss: sentMss, windowScale, sackPermitted });
  if (recalled.ecn) tcb.ownEcn.enabled = true;
}

/** Takes in the peer's SYN: IRS, RCV.NXT, the window that our SYN tells, and what the options settle. */
export function receiveSyn(tcb: Tcb, seg: Segment, now: Micros): void {
  tcb.counts.segmentsIn++;
  tcb.irs = seg.seq;
  tcb.rcv.nxt = seqAdd(seg.seq, 1);
  advertiseMss(tcb);
  openFirstWindow(tcb);
  tcb.ack.lastSent = tcb.rcv.nxt;
  settle(tcb, seg, now);
}
