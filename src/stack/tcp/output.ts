import { setUint8, setUint16, setUint32 } from '../base/bytes.ts';
import { headerRoom } from '../base/path.ts';
import { type Seq, seqAdd, seqGt, seqLt, seqMin, seqSub } from '../base/seq.ts';
import { type Micros, never } from '../base/time.ts';
import { ACK, FIN, finishSegment, PSH, SYN, tcpHeaderLength, URG } from '../wire/tcp.ts';
import { sackLength, timestampsLength, writeSack, writeSynOptions } from '../wire/tcp-options.ts';
import { onAckSent } from './ack-policy.ts';
import { firstWindow } from './buffers.ts';
import { askWith, echo, grantWith, markNewText } from './ecn.ts';
import { mayExchange } from './fast-open.ts';
import { noteDrained, noteSending } from './limits.ts';
import { giveUpMtuProbe, noteMtuProbe, probeText } from './mtu-search.ts';
import { answer, offer } from './negotiate.ts';
import { burstSegments, mustPace, noteDeparture } from './pacing.ts';
import { isReducing, mayBeInFlight, noteUsage, quota } from './pipe.ts';
import { isSynchronised } from './state.ts';
import { giveUpTailProbe, scheduleTailProbe, tailProbeSent } from './tail-loss.ts';
import type { Tcb } from './tcb.ts';
import { setTimer } from './timers.ts';
import { tsValue, writeOwnTimestamps } from './timestamps.ts';
import { countResent } from './undo.ts';
import { isUrgentMode, urgentPointer } from './urgent.ts';
import { advertise } from './window.ts';

/** Edges of the SACK blocks being written: filled and read within one call. */
const sackEdges: Seq[] = [];

/**
 * What is the next segment of this connection? Writes it at into[at...] and returns its length, or 0 when there is
 * nothing to send now. In this order: the SYN, what is lost, new text and the FIN, a probe, a bare acknowledgment.
 */
export function writeNextSegment(tcb: Tcb, into: Uint8Array, at: number, now: Micros): number {
  if (tcb.state === 'CLOSED') return 0;
  const { burst } = tcb.context;
  burst.segments = 1;
  burst.codepoint = 0;
  if (tcb.snd.nxt === tcb.iss) return tcb.fastOpen.isWaiting ? 0 : writeSyn(tcb, into, at, now);
  const isPaced = mustPace(tcb, now);
  const lost = isPaced ? -1 : nextToResend(tcb);
  if (lost >= 0) return resend(tcb, lost, into, at, now);
  if (mayExchange(tcb) && !isPaced) {
    if (tcb.recovery.tailProbeDue) return writeTailProbe(tcb, into, at, now);
    const length = writeNew(tcb, into, at, now);
    if (length > 0) return length;
    if (tcb.probeDue) return writeProbe(tcb, into, at, now);
  }
  if (tcb.ack.now && tcb.state !== 'SYN-SENT') return writeSegment(tcb, tcb.snd.nxt, 0, ACK, into, at, now);
  return 0;
}

/**
 * Octets of text that a segment may carry: not more than half of the largest window that the peer has offered, so that one with
 * a small window need not wait for it to be empty (as Linux).
 */
export function boundedMss({ snd: { mss, maxWnd } }: Tcb): number {
  const bound = maxWnd > 536 ? maxWnd >> 1 : maxWnd;
  return bound > 0 && mss > bound ? Math.max(bound, 68 - tcpHeaderLength) : mss;
}

/** Octets of text that a segment may carry now: less while blocks of SACK ride along. */
export function segmentSize(tcb: Tcb): number {
  const size = boundedMss(tcb);
  if (!tcb.sackEnabled || (!tcb.ack.hasDsack && tcb.reassembly.isEmpty)) return size;
  const blocks = Math.min(tcb.ts.enabled ? 3 : 4, tcb.reassembly.ranges + (tcb.ack.hasDsack ? 1 : 0));
  return Math.max(1, size - sackLength(blocks));
}

/** The first entry of the log that is lost and may be sent again, or -1. */
function nextToResend(tcb: Tcb): number {
  const { sentLog, recovery, snd } = tcb;
  if (recovery.frto === 'trying') return -1; // new segments tell whether the old ones are lost at all
  const index = sentLog.nextLost();
  if (index < 0) {
    if (recovery.forced) tcb.ownRecovery.forced = false;
    return -1;
  }
  if (index > 0 && !isSynchronised(tcb.state)) return -1; // the SYN first, and alone
  if (!recovery.forced && !mayBeInFlight(tcb)) return -1;
  // SHLD-16: old text inside the window is sent again even if the peer has taken part of the window back.
  if (index > 0 && seqGt(sentLog.endOf(index), seqAdd(snd.una, snd.wnd))) return -1;
  if (recovery.forced) tcb.ownRecovery.forced = false;
  return index;
}

function resend(tcb: Tcb, index: number, into: Uint8Array, at: number, now: Micros, isProbe = false): number {
  const { sentLog, snd, context } = tcb;
  const start = sentLog.startOf(index);
  context.counters.tcpRetransSegs++;
  if (start === tcb.iss) {
    tcb.ownTroubles.retransmissions++;
    sentLog.markResent(index, now);
    armRetransmit(tcb, now);
    return writeSynSegment(tcb, into, at, now);
  }
  // The path may have become narrower since (RFC 1191 section 6.4), or the window smaller.
  const size = segmentSize(tcb);
  sentLog.isolateFirst(index);
  const most = Math.max(1, Math.min(size, index === 0 ? size : seqSub(seqAdd(snd.una, snd.wnd), start)));
  if (seqSub(seqMin(sentLog.endOf(index), tcb.textEnd), start) > most) sentLog.split(index, seqAdd(start, most));
  else while (sentLog.joinNext(index, most, tcb.textEnd)); // small lost ones go together (RFC 9293 section 3.8.6.2)
  const end = sentLog.endOf(index);
  giveUpMtuProbe(tcb, start, end);
  const withFin = seqGt(end, tcb.textEnd);
  const text = seqSub(end, start) - (withFin ? 1 : 0);
  if (isProbe) {
    sentLog.markProbed(index, now);
    countResent(tcb);
  } else noteResent(tcb, index, now);
  tcb.ownTroubles.octetsResent += text;
  tcb.ownTroubles.retransmissions++;
  countSent(tcb);
  // In recovery the timer is about the copy that is under way now.
  if (index === 0 && tcb.recovery.phase !== 'loss') setTimer(tcb, 'retransmit', now + tcb.rtt.rto);
  else armRetransmit(tcb, now);
  const flags = ACK | (withFin ? FIN : 0) | (text > 0 && sentLog.wasPushed(index) ? PSH : 0);
  return writeSegment(tcb, start, text, flags, into, at, now);
}

/** What is known of a loss, and of how long it lasts. */
function noteResent(tcb: Tcb, index: number, now: Micros): void {
  const { recovery } = tcb;
  tcb.sentLog.markResent(index, now);
  countResent(tcb);
  if (recovery.resentTs < 0 && recovery.phase !== 'open') tcb.ownRecovery.resentTs = tsValue(tcb, now);
  if (tcb.resendingSince < 0) tcb.resendingSince = now;
}

/** RFC 9937: prr_out. */
function countSent(tcb: Tcb): void {
  if (isReducing(tcb)) tcb.ownRecovery.sent += tcb.context.burst.segments;
}

/** New text and the FIN, if window, cwnd, Nagle and silly window avoidance let them go. */
function writeNew(tcb: Tcb, into: Uint8Array, at: number, now: Micros): number {
  const { snd } = tcb;
  const waiting = tcb.finSent ? 0 : seqSub(tcb.textEnd, snd.nxt);
  const withFin = tcb.finQueued && !tcb.finSent;
  if (waiting === 0 && !withFin) return 0;
  if (!mayBeInFlight(tcb) && !tcb.recovery.tailProbeDue) {
    noteSending(tcb, false, now);
    return 0;
  }
  const usable = seqSub(seqAdd(snd.una, snd.wnd), snd.nxt); // negative when the peer has shrunk its window (MUST-34)
  if (tcb.sentLog.length === 0) restartAfterIdle(tcb, now);
  const probe = probeText(tcb, waiting, usable, now);
  const size = probe || segmentSize(tcb);
  const text = probe || planBurst(tcb, waiting, usable, size) || Math.max(0, Math.min(waiting, size, usable));
  noteSending(tcb, usable < Math.min(waiting + (withFin ? 1 : 0), size), now);
  if (usable < 1 || !isWorthwhile(tcb, text, waiting, size)) {
    armPersist(tcb, now);
    return 0;
  }
  const isAll = text === waiting;
  const isProbe = tcb.probeDue || tcb.recovery.tailProbeDue;
  if (isAll && text < size && !withFin && !isProbe && mustWaitForNagle(tcb)) {
    armPersist(tcb, now); // nothing is held back for ever: with nothing in flight a timer lets it go (MUST-60)
    return 0;
  }
  if (tcb.probeDue) {
    // What the timer lets go is text, no probe: the next question comes after one timeout again.
    tcb.probeDue = false;
    tcb.probes = 0;
    tcb.probeBackoff = 0;
    tcb.probingSince = -1;
  }
  const start = snd.nxt;
  const finNow = withFin && isAll && text < usable; // a FIN takes a number of the window too
  if (text % size > 0) snd.small = seqAdd(start, text);
  snd.nxt = seqAdd(start, text + (finNow ? 1 : 0));
  if (probe > 0) noteMtuProbe(tcb, text);
  tcb.sentLog.record(snd.nxt, now, text > 0 && isAll, tcb.context.burst.segments, size);
  countSent(tcb);
  noteUsage(tcb);
  if (isAll) noteDrained(tcb, now);
  armRetransmit(tcb, now);
  scheduleTailProbe(tcb, now);
  const flags = ACK | (finNow ? FIN : 0) | (text > 0 && isAll ? PSH : 0) | (text > 0 ? markNewText(tcb) : 0); // MUST-61
  return writeSegment(tcb, start, text, flags, into, at, now);
}

/**
 * Where the device takes many segments at once: how much text of how many whole segments may leave together, as far as
 * cwnd, both windows and pacing are concerned; all the text there is may end with a smaller one. 0: no more than one.
 * One alone leave a probe, and what has URG or CWR, which are about single segments.
 */
function planBurst(tcb: Tcb, waiting: number, usable: number, size: number): number {
  if (waiting <= size || usable <= size || !tcb.path.offload.segmentation) return 0;
  if (tcb.recovery.tailProbeDue || isUrgentMode(tcb) || tcb.ecn.cwrDue) return 0;
  const room = mostPacket - headerRoom(tcb.remote) - mostTcpHeader;
  const segments = Math.min(quota(tcb), burstSegments(tcb), Math.floor(room / size));
  let text = Math.min(waiting, usable, segments * size);
  if (text < waiting || (!tcb.finQueued && mustWaitForNagle(tcb))) text -= text % size;
  if (text <= size) return 0;
  const { burst } = tcb.context;
  burst.segments = Math.ceil(text / size);
  burst.size = size;
  return text;
}
/** The length field of IPv4 counts so far. */
const mostPacket = 65_535;
const mostTcpHeader = 60;

/** RFC 5681 section 4.1: what cwnd knew of the way is old after a pause of one RTO. */
function restartAfterIdle(tcb: Tcb, now: Micros): void {
  const { context, counts, rtt, congestion } = tcb;
  const { tcp } = context.options;
  if (counts.lastDataSentAt < 0) return;
  const pause = now - counts.lastDataSentAt;
  congestion.onRestart?.(pause, tcb.rate.appLimitedUntil > 0, now);
  if (tcp.slowStartAfterIdle && pause > rtt.rto) {
    congestion.onIdle(Math.floor(pause / rtt.rto), tcp.initialWindow);
  }
}

/** RFC 8985 section 7.3: new text draws an acknowledgment too, and cwnd does not hold it back; else the last segment. */
function writeTailProbe(tcb: Tcb, into: Uint8Array, at: number, now: Micros): number {
  const length = writeNew(tcb, into, at, now);
  const { sentLog, snd } = tcb;
  if (length === 0) {
    sentLog.isolateLast();
    // Beyond a window that the peer has taken back it would be dropped.
    const isInside = sentLog.length === 1 || seqLt(sentLog.startOf(sentLog.length - 1), seqAdd(snd.una, snd.wnd));
    if (!isInside) return giveUpTailProbe(tcb, now);
  }
  tailProbeSent(tcb, length === 0);
  tcb.timers.probe = never;
  return length > 0 ? length : resend(tcb, sentLog.length - 1, into, at, now, true);
}

/** Silly window avoidance (RFC 9293 section 3.8.6.2.1, MUST-38): a full segment, all there is, or half the peer's window. */
function isWorthwhile(tcb: Tcb, text: number, waiting: number, size: number): boolean {
  const { snd } = tcb;
  return text >= size || text === waiting || text >= snd.maxWnd / 2 || tcb.probeDue;
}

/** Nagle (section 3.7.4) as Minshall refined it: one small segment may be outstanding, not two. */
function mustWaitForNagle(tcb: Tcb): boolean {
  if (isUrgentMode(tcb) || tcb.pushOnce) return false;
  if (tcb.settings.cork || tcb.moreFollows) return true;
  return !tcb.settings.noDelay && seqGt(tcb.snd.small, tcb.snd.una);
}

/** A zero-window probe as Linux sends it: no text, and a number that the peer must answer (section 3.8.6.1). */
function writeProbe(tcb: Tcb, into: Uint8Array, at: number, now: Micros): number {
  tcb.probeDue = false;
  if (tcb.unsent > 0) tcb.context.counters.tcpZeroWindowProbes++;
  return writeSegment(tcb, seqAdd(tcb.snd.una, -1), 0, ACK, into, at, now);
}

function writeSyn(tcb: Tcb, into: Uint8Array, at: number, now: Micros): number {
  tcb.snd.nxt = seqAdd(tcb.iss, 1);
  tcb.openedAt = now;
  tcb.sentLog.record(tcb.snd.nxt, now);
  armRetransmit(tcb, now);
  const text = tcb.state === 'SYN-SENT' ? tcb.sendQueue.length : 0; // Fast Open has put it there
  if (text > 0) {
    tcb.ownFastOpen.sentText = true;
    tcb.snd.nxt = seqAdd(tcb.snd.nxt, text);
    tcb.sentLog.record(tcb.snd.nxt, now, true);
  }
  return writeSynSegment(tcb, into, at, now, text);
}

/** The SYN, or the SYN-ACK of everything that is not in SYN-SENT. */
export function writeSynSegment(tcb: Tcb, into: Uint8Array, at: number, now: Micros, text = 0): number {
  const isAnswer = tcb.state !== 'SYN-SENT';
  const options = writeSynOptions(into, at + tcpHeaderLength, isAnswer ? answer(tcb, now) : offer(tcb, now));
  const flags = isAnswer ? SYN | ACK | grantWith(tcb) : SYN | askWith(tcb);
  const header = tcpHeaderLength + options;
  const length = header + text;
  if (text > 0) tcb.sendQueue.copyOut(0, text, into, at + header);
  writeHeader(tcb, into, at, tcb.iss, isAnswer ? tcb.rcv.nxt : 0, header, flags, firstWindow(tcb));
  finishSegment(into, at, length, tcb.local, tcb.remote, tcb.path.offload.checksums);
  if (isAnswer) tcb.ack.lastSent = tcb.rcv.nxt;
  if (tcb.wasPassive)
    tcb.context.counters.tcpOutSegs++; // Linux counts it as the listener's
  else countDeparture(tcb, text, now);
  return length;
}

/** Writes any segment but a SYN: header, options, `text` octets of the queue from `seq` on, checksum. */
function writeSegment(
  tcb: Tcb,
  seq: Seq,
  text: number,
  flags: number,
  into: Uint8Array,
  at: number,
  now: Micros,
): number {
  let header = tcpHeaderLength;
  if (tcb.ts.enabled) {
    writeOwnTimestamps(tcb, into, at + header, now);
    header += timestampsLength;
  }
  if (tcb.sackEnabled && (tcb.ack.hasDsack || !tcb.reassembly.isEmpty)) {
    const blocks = collectBlocks(tcb);
    writeSack(into, at + header, sackEdges, blocks);
    header += sackLength(blocks);
  }
  if (text > 0) tcb.sendQueue.copyOut(seqSub(seq, tcb.queueStart), text, into, at + header);
  const length = header + text;
  flags |= echo(tcb);
  writeHeader(tcb, into, at, seq, tcb.rcv.nxt, header, flags, advertise(tcb));
  const pointer = urgentPointer(tcb, seq);
  if (pointer > 0) {
    setUint8(into, at + 13, flags | URG);
    setUint16(into, at + 18, pointer);
  }
  finishSegment(into, at, length, tcb.local, tcb.remote, tcb.path.offload.checksums);
  onAckSent(tcb, text > 0, now);
  countDeparture(tcb, text, now);
  if (text > 0) noteDeparture(tcb, text, now);
  return length;
}

function countDeparture({ context, counts }: Tcb, text: number, now: Micros): void {
  const { burst } = context;
  context.counters.tcpOutSegs += burst.segments;
  counts.segmentsOut += burst.segments;
  counts.lastAckSentAt = now;
  if (text === 0) return;
  counts.dataSegmentsOut += burst.segments;
  counts.octetsSent += text;
  counts.lastDataSentAt = now;
}

function writeHeader(
  tcb: Tcb,
  into: Uint8Array,
  at: number,
  seq: Seq,
  ack: number,
  headerLength: number,
  flags: number,
  window: number,
): void {
  setUint16(into, at, tcb.localPort);
  setUint16(into, at + 2, tcb.remotePort);
  setUint32(into, at + 4, seq);
  setUint32(into, at + 8, ack);
  setUint8(into, at + 12, (headerLength / 4) << 4);
  setUint8(into, at + 13, flags);
  setUint16(into, at + 14, window);
  setUint16(into, at + 18, 0);
}

/** Fills `sackEdges`: what arrived twice first (RFC 2883), then what waits behind gaps. Returns how many blocks. */
function collectBlocks({ ack, reassembly, ts }: Tcb): number {
  const most = ts.enabled ? 3 : 4;
  if (!ack.hasDsack) return reassembly.blocks(sackEdges, most, 0);
  sackEdges[0] = ack.dsackStart;
  sackEdges[1] = ack.dsackEnd;
  ack.dsackStart = ack.dsackEnd;
  return 1 + reassembly.blocks(sackEdges, most - 1, 1);
}

/** RFC 6298 section 5.1: every time a segment is sent, start the timer if it is not running. */
function armRetransmit(tcb: Tcb, now: Micros): void {
  tcb.timers.persist = never;
  if (tcb.timers.retransmit === never) setTimer(tcb, 'retransmit', now + tcb.rtt.rto);
}

/** Nothing is in flight that could bring the news of an open window: ask for it after a while (SHLD-29). */
function armPersist(tcb: Tcb, now: Micros): void {
  if (tcb.sentLog.length === 0 && tcb.timers.persist === never) setTimer(tcb, 'persist', now + tcb.rtt.rto);
}
