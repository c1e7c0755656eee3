import { type Seq, seqAdd, seqGe, seqGt, seqLt, seqMax, seqMin, seqSub } from '../base/seq.ts';
import { type Micros, never } from '../base/time.ts';
import { FIN, PSH, type Segment, SYN, URG } from '../wire/tcp.ts';
import { timestampsLength } from '../wire/tcp-options.ts';
import { acknowledgeNow, becomeQuick, mostQuickAcks, onText, onTextBeyondGap } from './ack-policy.ts';
import { onTextArrived } from './buffers.ts';
import { noteDuplicate, noteDuplicateBefore } from './dsack.ts';
import { noteMark } from './ecn.ts';
import { abandon, enterTimeWait, fail } from './ending.ts';
import { sendResetFor } from './reset.ts';
import { enter, mayReceive } from './state.ts';
import type { Tcb } from './tcb.ts';
import { takeUrgentOctet } from './urgent.ts';

/** Where the text of a segment begins: a SYN takes a number of its own. */
const textSeq = (seg: Segment): Seq => seqAdd(seg.seq, (seg.flags & SYN) >> 1);

/**
 * Seventh step of RFC 9293 section 3.10.7.4: text in order goes to the user's queue, text ahead of a gap waits at its
 * place in the same queue (SHLD-31); what lies outside the window is cut off.
 * @returns true when text waits behind a gap: that has been acknowledged already
 */
export function processText(tcb: Tcb, seg: Segment, now: Micros): boolean {
  const length = seg.textLength;
  if (length === 0 || !mayReceive(tcb.state)) return false;
  const { rcv, reassembly, receiveQueue, context } = tcb;
  const first = textSeq(seg);
  const start = seqMax(first, rcv.nxt);
  // Windows are rounded up, and small segments could add that up: what the buffer cannot hold has to come again.
  const room = tcb.receiveLimit - receiveQueue.length + (1 << rcv.wndShift);
  let end = seqMin(seqMin(seqAdd(first, length), rcv.edge), seqAdd(rcv.nxt, Math.max(0, room)));
  if (tcb.finAt !== null) end = seqMin(end, tcb.finAt); // nothing can follow a FIN
  if (seqLt(first, rcv.nxt)) noteDuplicateBefore(tcb, first, seqAdd(first, length));
  if (seqGe(start, end)) {
    if (seqGt(seqAdd(first, length), rcv.edge)) context.drop('beyond the window', now);
    becomeQuick(tcb, mostQuickAcks); // the peer has missed acknowledgments
    return false;
  }
  if (tcb.isOrphan || (tcb.readShut && tcb.finQueued)) {
    // SHLD-3: nobody will ever read it, and the peer has to know.
    context.drop('text after close', now);
    sendResetFor(tcb, seg);
    if (tcb.isOrphan) abandon(tcb, now);
    else fail(tcb, 'ECONNRESET', now);
    return false;
  }
  takeUrgentOctet(tcb, seg);
  noteMark(tcb, seg);
  measureSegments(tcb, seg);
  onTextArrived(tcb, seg, now);
  const from = seg.textStart + seqSub(start, first);
  const count = seqSub(end, start);
  if (start !== rcv.nxt) {
    // What has been told of by SACK is not replaced: text that overlaps it may be forged. What begins below it is newer.
    let kept = 0;
    if (reassembly.findOverlap(start, end)) {
      noteDuplicate(tcb, reassembly.overlapStart, reassembly.overlapEnd);
      if (reassembly.overlapStart === start) kept = seqSub(reassembly.overlapEnd, start);
    }
    if (!tcb.ownReassembly.add(start, end)) context.drop('out-of-order limit', now);
    else receiveQueue.write(receiveQueue.length + seqSub(start, rcv.nxt) + kept, seg.bytes, from + kept, from + count);
    tcb.ownTroubles.outOfOrder++;
    onTextBeyondGap(tcb);
    return true;
  }
  receiveQueue.append(seg.view(from, from + count), 0, count);
  rcv.nxt = end;
  const hadGap = !reassembly.isEmpty;
  if (hadGap) {
    if (!tcb.ack.hasDsack && reassembly.findOverlap(start, end)) {
      noteDuplicate(tcb, reassembly.overlapStart, reassembly.overlapEnd);
    }
    let joined = reassembly.advance(end);
    if (tcb.finAt !== null) joined = seqMin(joined, tcb.finAt); // the FIN's own number is no octet
    receiveQueue.commit(seqSub(joined, end));
    rcv.nxt = joined;
  }
  context.changed.add(tcb);
  onText(tcb, hadGap, now);
  return false;
}

/**
 * How large are the peer's segments? As large as the largest; or, where the path has become narrower, as two in a row that might
 * be full: large ones, or such as end nothing that the peer's user has written (as Linux).
 */
function measureSegments({ rcv, ts, advertisedMss }: Tcb, seg: Segment): void {
  const size = Math.min(seg.size, advertisedMss); // what is longer was put together on its way
  const { lastSize } = rcv;
  rcv.lastSize = 0;
  if (size >= rcv.mss) {
    rcv.mss = size;
    return;
  }
  const withHeader = size + (ts.enabled ? timestampsLength : 0);
  const isWhole = (seg.flags & (PSH | FIN | URG | SYN)) === 0;
  if (withHeader < 536 && !(isWhole && withHeader >= leastWhole)) return;
  rcv.lastSize = size;
  if (size === lastSize) rcv.mss = size;
}
/** Linux: TCP_MIN_MSS. */
const leastWhole = 88;

/** Eighth step: a FIN acts once every octet before it has been received. */
export function checkFin(tcb: Tcb, seg: Segment, now: Micros): void {
  const { rcv } = tcb;
  if ((seg.flags & FIN) !== 0) {
    const at = seqAdd(textSeq(seg), seg.textLength);
    if (tcb.finReceived) {
      if (tcb.state === 'TIME-WAIT') enterTimeWait(tcb, now); // a repeated FIN restarts the 2 MSL wait
      return;
    }
    if (!mayReceive(tcb.state)) return;
    if (at !== rcv.nxt) {
      if (seqGt(at, rcv.nxt) && seqLt(at, rcv.edge) && tcb.finAt === null) {
        tcb.finAt = at; // it waits for what is missing, and is told of as text is
        tcb.ownReassembly.add(at, seqAdd(at, 1));
        if (seg.textLength === 0) onTextBeyondGap(tcb);
      }
      return;
    }
  } else if (tcb.finAt === null || tcb.finAt !== rcv.nxt || !mayReceive(tcb.state)) return;
  tcb.finReceived = true;
  tcb.finAt = null;
  tcb.reassembly.clear();
  rcv.nxt = seqAdd(rcv.nxt, 1);
  if (seqLt(rcv.edge, rcv.nxt)) rcv.edge = rcv.nxt;
  tcb.context.changed.add(tcb);
  acknowledgeNow(tcb);
  switch (tcb.state) {
    case 'ESTABLISHED':
      return enter(tcb, 'CLOSE-WAIT', now);
    case 'FIN-WAIT-1': // the fifth step has moved on to FIN-WAIT-2 if our FIN was acknowledged
      return enter(tcb, 'CLOSING', now);
    case 'FIN-WAIT-2':
      tcb.timers.timeWait = never;
      return enterTimeWait(tcb, now);
    default:
  }
}
