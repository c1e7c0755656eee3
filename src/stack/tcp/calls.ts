import { type ErrorCode, StackError } from '../base/errors.ts';
import { seqGt, seqSub } from '../base/seq.ts';
import { type Micros, never } from '../base/time.ts';
import { acknowledgeNow, mostQuickAcks } from './ack-policy.ts';
import { hasRoom, onRead, sendRoom } from './buffers.ts';
import { abandon, waitForPeersFin } from './ending.ts';
import { mayExchange, openWith } from './fast-open.ts';
import { switchKeepAlive } from './keep-alive.ts';
import { isAppLimited, markAppLimited } from './rate.ts';
import { sendAbort } from './reset.ts';
import type { TcpSettings } from './settings.ts';
import { enter, isSynchronised } from './state.ts';
import type { Tcb } from './tcb.ts';
import { tsValue } from './timestamps.ts';
import { isAtMark, markUrgent, octetsBeforeMark } from './urgent.ts';
import { windowUpdateIsDue } from './window.ts';

/** What a user can ask of a connection: SEND, RECEIVE, CLOSE, ABORT (RFC 9293 sections 3.10.2 to 3.10.5). OPEN is in tcp.ts. */

/** Throws the error that has ended the connection, once. */
export function throwPending(tcb: Tcb): void {
  if (tcb.error === null) return;
  const code = tcb.error;
  tcb.error = null;
  throw new StackError(code);
}

/** How SEND sends. */
export interface SendFlags {
  /** The last octet is urgent (MSG_OOB). */
  readonly urgent?: boolean;
  /** More follows at once: do not send what does not fill a segment (MSG_MORE). */
  readonly more?: boolean;
}

const plainly: SendFlags = {};

/**
 * SEND (section 3.10.2): takes as much of `data` as the send queue has room for. The octets are copied.
 * @returns octets accepted, at least one unless `data` is empty
 * @throws StackError EAGAIN no room, or the handshake is not done; EPIPE this side is closed; or, once, what ended the
 *   connection
 */
export function send(tcb: Tcb, data: Uint8Array, flags: SendFlags = plainly): number {
  throwPending(tcb);
  if (tcb.finQueued || tcb.state === 'CLOSED' || tcb.state === 'TIME-WAIT') throw new StackError('EPIPE');
  if (tcb.fastOpen.isWaiting) return openWith(tcb, data);
  if (!mayExchange(tcb)) throw new StackError('EAGAIN'); // queued by the caller until established
  const room = sendRoom(tcb);
  if (data.length === 0) return 0;
  if (room < data.length) tcb.wantsRoom = true;
  if (room <= 0) throw new StackError('EAGAIN');
  if (isAppLimited(tcb)) markAppLimited(tcb);
  const count = Math.min(room, data.length);
  tcb.sendQueue.append(data, 0, count);
  tcb.octetsOut += count;
  tcb.moreFollows = flags.more === true;
  tcb.pushOnce = false;
  if (flags.urgent === true && count === data.length) markUrgent(tcb);
  tcb.context.output.add(tcb);
  return count;
}

/** May SEND take a useful amount now, or say at once why not? */
export const isWritable = (tcb: Tcb): boolean =>
  tcb.error !== null ||
  tcb.finQueued ||
  tcb.state === 'CLOSED' ||
  tcb.state === 'TIME-WAIT' ||
  tcb.fastOpen.isWaiting ||
  (mayExchange(tcb) && hasRoom(tcb));

/**
 * RECEIVE (section 3.10.3): moves up to `into.length` octets to the user.
 * @param peek leaves them where they are (MSG_PEEK)
 * @returns octets moved; 0 at the end of the stream
 * @throws StackError EAGAIN nothing has come yet; or, once and after all that has come, what ended the connection
 */
export function receive(tcb: Tcb, into: Uint8Array, now: Micros, peek = false): number {
  const { rcv } = tcb;
  const count = Math.min(into.length, octetsBeforeMark(tcb, tcb.receiveQueue.length));
  if (count > 0) {
    tcb.receiveQueue.copyOut(0, count, into, 0);
    if (peek) return count;
    tcb.receiveQueue.release(count);
    if (tcb.receiveQueue.length === 0 && tcb.reassembly.isEmpty) tcb.receiveQueue.clear();
    tcb.octetsIn += count;
    if (rcv.urgent !== 'none' && seqGt(tcb.copiedSeq, rcv.up)) rcv.urgent = 'none'; // passed by
    if (tcb.state === 'CLOSED' || tcb.finReceived) return count;
    onRead(tcb, count, now);
    if (windowUpdateIsDue(tcb)) acknowledgeNow(tcb);
    return count;
  }
  throwPending(tcb);
  if (into.length === 0 || tcb.finReceived || tcb.readShut || tcb.state === 'CLOSED') return 0;
  throw new StackError('EAGAIN');
}

export const isReadable = (tcb: Tcb): boolean =>
  tcb.receiveQueue.length >= lowWater(tcb) ||
  tcb.error !== null ||
  tcb.finReceived ||
  tcb.readShut ||
  tcb.state === 'CLOSED';

/** The urgent octet alone does not make a stream readable: MSG_OOB reads it. */
const lowWater = (tcb: Tcb): number =>
  Math.min(tcb.settings.receiveLowWater, tcb.receiveLimit >> 1) + (isAtMark(tcb) && !tcb.settings.urgentInline ? 1 : 0);

export { keepAliveTimeChanged } from './keep-alive.ts';
export { hasUrgentOctet, isAtMark, receiveUrgent } from './urgent.ts';

/** Octets that RECEIVE would give at once: those before an urgent one (SIOCINQ). */
export function readableOctets(tcb: Tcb): number {
  const { rcv, receiveQueue, settings } = tcb;
  const distance = seqSub(rcv.up, tcb.copiedSeq);
  const isBounded = rcv.urgent !== 'none' && !settings.urgentInline && distance >= 0;
  return isBounded ? Math.min(receiveQueue.length, distance) : receiveQueue.length;
}

/** Octets that the peer has not acknowledged, sent or not, of which a FIN is one (SIOCOUTQ). */
export const unacknowledgedOctets = (tcb: Tcb): number =>
  tcb.sendQueue.length + (tcb.finQueued && !tcb.finAcknowledged && tcb.state !== 'CLOSED' ? 1 : 0);

/** Those of them that have not been sent (SIOCOUTQNSD). */
export const unsentOctets = (tcb: Tcb): number => tcb.unsent + (tcb.finQueued && !tcb.finSent ? 1 : 0);

/** The user sends no more: a FIN follows what is queued (section 3.10.4). Receiving goes on. */
export function shutdownSend(tcb: Tcb, now: Micros): void {
  if (tcb.finQueued) return;
  switch (tcb.state) {
    case 'SYN-RECEIVED':
    case 'ESTABLISHED':
      tcb.finQueued = true;
      enter(tcb, 'FIN-WAIT-1', now);
      break;
    case 'CLOSE-WAIT':
      tcb.finQueued = true;
      enter(tcb, 'LAST-ACK', now);
      break;
    case 'SYN-SENT':
      return abandon(tcb, now); // nothing can come of it any more; silently, as on Linux
    default:
      return;
  }
  tcb.context.output.add(tcb);
}

/** Reading ends: what has come can still be read, then there is the end of the stream. */
export function shutdownReceive(tcb: Tcb, now: Micros): void {
  if (tcb.state === 'SYN-SENT') return abandon(tcb, now);
  tcb.readShut = true;
  tcb.context.changed.add(tcb);
}

/**
 * CLOSE as sockets have it (MAY-1): neither sending nor receiving is possible afterwards. What is queued is still
 * delivered; unread text makes it an abort, because it was acknowledged and nobody will read it (SHLD-3).
 */
export function close(tcb: Tcb, now: Micros): void {
  if (tcb.isOrphan) return;
  leave(tcb);
  if (tcb.state === 'CLOSED') return tcb.receiveQueue.clear();
  if (tcb.state === 'SYN-SENT') return abandon(tcb, now); // silently: nobody knows of it yet
  if (tcb.receiveQueue.length > 0 || tcb.settings.linger === 0) return abort(tcb, now);
  tcb.reassembly.clear();
  tcb.receiveQueue.clear();
  const { leftovers, options, counters } = tcb.context;
  if (leftovers.orphans > options.tcp.maxOrphans) {
    counters.tcpOrphanOverflows++;
    return abort(tcb, now);
  }
  if (tcb.state === 'FIN-WAIT-2') return void waitForPeersFin(tcb, now);
  shutdownSend(tcb, now);
}

/** No user holds the connection any more. */
function leave(tcb: Tcb): void {
  if (!tcb.isOrphan && tcb.state !== 'CLOSED' && tcb.state !== 'TIME-WAIT') tcb.context.leftovers.orphans++;
  tcb.isOrphan = true;
  if (tcb.state === 'TIME-WAIT') tcb.context.output.add(tcb); // which puts it to rest
}

/** What has ended the connection, or happened to it, which is forgotten by asking (SO_ERROR). */
export function takeError(tcb: Tcb): ErrorCode | null {
  const code = tcb.error ?? tcb.reportedSoftError;
  tcb.error = null;
  tcb.reportedSoftError = null;
  return code;
}

/** The clock of the connection's timestamps (TCP_TIMESTAMP). */
export const timestamp = (tcb: Tcb, now: Micros): number => tsValue(tcb, now);

/** The settings of a connection, to be changed by its user, who tells by `settingsChanged`. */
export function ownSettings(tcb: Tcb): TcpSettings {
  const settings = tcb.settings.own();
  tcb.settings = settings;
  return settings;
}

/**
 * Options of the socket have changed: what follows at once.
 * @throws nothing
 */
export function settingsChanged(tcb: Tcb, now: Micros): void {
  const { settings } = tcb;
  if (settings.receiveBuffer > 0) tcb.receiveLimit = settings.receiveBuffer;
  if (settings.sendBuffer > 0) tcb.sendLimit = settings.sendBuffer;
  if (tcb.state === 'CLOSED') return;
  switchKeepAlive(tcb, now);
  if (isSynchronised(tcb.state)) tcb.context.output.add(tcb); // Nagle or the cork may have held something back
  tcb.context.changed.add(tcb);
}

/** TCP_NODELAY has been switched on: what is queued goes out, also from under a cork, which stays for what follows. */
export function pushQueued(tcb: Tcb): void {
  tcb.pushOnce = true;
  tcb.context.output.add(tcb);
}

/** The cork is out, or MSG_MORE's promise is void: what is queued goes, as far as Nagle lets it. */
export function letGo(tcb: Tcb): void {
  tcb.moreFollows = false;
  tcb.context.output.add(tcb);
}

/** TCP_QUICKACK: acknowledge the next segments at once, or go back to waiting for company. */
export function setQuickAck(tcb: Tcb, quick: boolean): void {
  tcb.ack.isInteractive = !quick;
  if (quick) tcb.ack.quick = mostQuickAcks;
  // With text still to be read, reading may give the acknowledgment something to ride on (as Linux).
  const isRead = tcb.receiveQueue.length === 0 || seqSub(tcb.rcv.nxt, tcb.ack.lastSent) > tcb.rcv.mss;
  if (quick && tcb.timers.delayedAck !== never && isRead) acknowledgeNow(tcb);
}

/** ABORT (section 3.10.5): a reset to the peer, and the connection is forgotten. */
export function abort(tcb: Tcb, now: Micros): void {
  leave(tcb);
  if (tcb.state === 'CLOSED') return;
  const isQuiet =
    tcb.state === 'SYN-SENT' || tcb.state === 'TIME-WAIT' || tcb.state === 'LAST-ACK' || tcb.state === 'CLOSING';
  if (!isQuiet) sendAbort(tcb);
  abandon(tcb, now);
}
