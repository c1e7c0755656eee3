import { seqAdd, seqGt, seqLt, toSeq } from '../base/seq.ts';
import type { Micros } from '../base/time.ts';
import { ACK, FIN, RST, type Segment, SYN } from '../wire/tcp.ts';
import { acknowledgeNow, becomeQuick, mostQuickAcks } from './ack-policy.ts';
import { challenge } from './challenge.ts';
import { noteDuplicateBefore } from './dsack.ts';
import { noteReduced } from './ecn.ts';
import { abandon, fail } from './ending.ts';
import { checkAck } from './input-ack.ts';
import { arrivesInSynSent } from './input-syn-sent.ts';
import { checkFin, processText } from './input-text.ts';
import { sendResetFor } from './reset.ts';
import { mayReceive } from './state.ts';
import type { Tcb } from './tcb.ts';
import { echoesAnother, isOldTimestamp, isOvertaken } from './timestamps.ts';
import { checkUrgent } from './urgent.ts';

/**
 * SEGMENT ARRIVES (RFC 9293 section 3.10.7) for a segment that belongs to a connection. Input never sends: it marks what
 * is to be sent, and output is asked for it later.
 */
export function segmentArrives(tcb: Tcb, seg: Segment, now: Micros): void {
  if (tcb.state === 'SYN-SENT') arrivesInSynSent(tcb, seg, now);
  else arrivesInOtherStates(tcb, seg, now);
}

/** Section 3.10.7.4. A step returning false has finished the segment. */
function arrivesInOtherStates(tcb: Tcb, seg: Segment, now: Micros): void {
  countArrival(tcb, seg, now);
  if (!checkSequence(tcb, seg, now)) return; // first
  if (!checkReset(tcb, seg, now)) return; // second
  // third: security and compartment are those of a closed network of the past and are not implemented
  if (!checkSyn(tcb, seg, now)) return; // fourth
  noteReduced(tcb, seg);
  if (!checkAck(tcb, seg, now)) return; // fifth
  checkUrgent(tcb, seg); // sixth
  const before = tcb.rcv.nxt;
  const heldBack = processText(tcb, seg, now); // seventh
  checkFin(tcb, seg, now); // eighth
  // What took up sequence space and brought nothing new is acknowledged again: our acknowledgment may have been lost.
  // Behind the peer's FIN there is nothing (seventh step): that is ignored.
  const isBehindFin =
    tcb.finReceived && tcb.state !== 'TIME-WAIT' && !seqLt(seg.seq, before) && (seg.flags & FIN) === 0;
  if (seg.len === 0 || tcb.rcv.nxt !== before || heldBack || isBehindFin || tcb.state === 'CLOSED') return;
  if (!mayReceive(tcb.state)) noteDuplicateBefore(tcb, seg.seq, seqAdd(seg.seq, seg.len)); // elsewhere the seventh step has
  acknowledgeNow(tcb);
}

function countArrival({ counts }: Tcb, seg: Segment, now: Micros): void {
  counts.segmentsIn += seg.count;
  if (seg.textLength === 0) return;
  counts.dataSegmentsIn += seg.count;
  counts.lastDataReceivedAt = now;
}

/**
 * Is any of the segment at or beyond what has been acknowledged, and does it begin inside the window? (RFC 9293 Table 6,
 * with Linux's allowance for a segment that ends just at the left edge or begins just at the right one, so that its
 * acknowledgment counts even when the window is shut.)
 */
function isAcceptable(tcb: Tcb, seg: Segment): boolean {
  return !seqLt(seqAdd(seg.seq, seg.len), tcb.ack.lastSent) && !seqGt(seg.seq, tcb.rcv.edge);
}

function checkSequence(tcb: Tcb, seg: Segment, now: Micros): boolean {
  const isOld = isOldTimestamp(tcb, seg, now) || (tcb.state === 'SYN-RECEIVED' && echoesAnother(tcb, seg, now));
  if (!isOld && isAcceptable(tcb, seg)) return true;
  if ((seg.flags & RST) !== 0 && isBeforeFin(tcb, seg)) return true;
  tcb.context.drop(isOld ? 'old timestamp' : 'unacceptable sequence number', now);
  if ((seg.flags & RST) !== 0 || (isOld && isOvertaken(tcb, seg))) return false;
  if ((seg.flags & SYN) !== 0)
    challenge(tcb, now); // RFC 5961 section 4.2: whatever its number
  else if (seg.len > 0) {
    refreshTimeWait(tcb, seg, now);
    noteDuplicateBefore(tcb, seg.seq, seqAdd(seg.seq, seg.len));
    if (seqLt(seg.seq, tcb.rcv.nxt)) becomeQuick(tcb, mostQuickAcks); // the peer has missed acknowledgments
    acknowledgeNow(tcb);
  } else challenge(tcb, now); // without text it may be one side of an endless exchange: limited (as Linux does)
  return false;
}

/** A FIN of before, in TIME-WAIT: our acknowledgment was lost, so the wait begins again. */
function refreshTimeWait(tcb: Tcb, seg: Segment, now: Micros): void {
  if (tcb.state === 'TIME-WAIT' && (seg.flags & FIN) !== 0) checkFin(tcb, seg, now);
}

/** RFC 5961 section 3.2: a reset acts only at exactly RCV.NXT; elsewhere in the window it may be forged. */
function checkReset(tcb: Tcb, seg: Segment, now: Micros): boolean {
  if ((seg.flags & RST) === 0) return true;
  if (tcb.state === 'TIME-WAIT' && tcb.context.options.tcp.ignoreResetsInTimeWait) {
    tcb.context.drop('reset ignored', now); // RFC 1337: it would end the wait too early
  } else if (seg.seq !== tcb.rcv.nxt && !isNewestEdge(tcb, seg) && !isBeforeFin(tcb, seg)) {
    tcb.context.drop('reset ignored', now);
    challenge(tcb, now);
  } else if (tcb.state === 'SYN-RECEIVED' && tcb.wasPassive && !tcb.fastOpen.isEarly) {
    tcb.context.counters.tcpAttemptFails++;
    abandon(tcb, now); // the listener never heard of it
  } else if (tcb.state === 'TIME-WAIT') abandon(tcb, now);
  else if (tcb.state === 'SYN-RECEIVED' && !tcb.fastOpen.isEarly) fail(tcb, 'ECONNREFUSED', now);
  else fail(tcb, tcb.state === 'CLOSE-WAIT' ? 'EPIPE' : 'ECONNRESET', now);
  return false;
}

/** A reset behind the farthest text that waits: what is between was lost, and its sender knew better (as Linux). */
const isNewestEdge = ({ reassembly, sackEnabled }: Tcb, seg: Segment): boolean =>
  sackEnabled && !reassembly.isEmpty && seg.seq === reassembly.end;

/** Some stacks number a reset after their FIN as if it had not been (Linux: tcp_reset_check). */
const isBeforeFin = ({ finReceived, rcv }: Tcb, seg: Segment): boolean =>
  finReceived && seg.seq === seqAdd(rcv.nxt, -1);

function checkSyn(tcb: Tcb, seg: Segment, now: Micros): boolean {
  if ((seg.flags & SYN) === 0) return true;
  if (tcb.state === 'SYN-RECEIVED' && seg.seq === tcb.irs) {
    if ((seg.flags & ACK) !== 0) return true; // a simultaneous open: the other side's SYN-ACK
    // Our SYN-ACK was lost, if it has left at all: say it again, not more often than a challenge.
    if (tcb.sentLog.length > 0 && now - tcb.challengedAt >= tcb.context.options.tcp.challengeInterval) {
      tcb.challengedAt = now;
      tcb.sentLog.markLostAgain(0);
      tcb.ownRecovery.forced = true;
      tcb.context.output.add(tcb);
    }
    return false;
  }
  if (tcb.state === 'SYN-RECEIVED' && tcb.wasPassive) {
    // Back to LISTEN (section 3.10.7.4), and the peer hears of it, as on Linux.
    sendResetFor(tcb, seg);
    abandon(tcb, now);
    return false;
  }
  challenge(tcb, now);
  return false;
}

/** May a SYN take the place of a connection in TIME-WAIT (RFC 6191, RFC 9293 MAY-2)? Only one that is newer for certain. */
export function mayReopen(tcb: Tcb, seg: Segment): boolean {
  if (tcb.state !== 'TIME-WAIT' || (seg.flags & (SYN | FIN | ACK | RST)) !== SYN) return false;
  if (tcb.ts.enabled && seg.options.hasTimestamps && seg.options.tsVal !== tcb.ts.recent) {
    return seqGt(toSeq(seg.options.tsVal), toSeq(tcb.ts.recent));
  }
  return seqGt(seg.seq, tcb.rcv.nxt);
}
