import { getUint8 } from '../base/bytes.ts';
import { StackError } from '../base/errors.ts';
import { type Seq, seqAdd, seqGt, seqLe, seqLt, seqSub } from '../base/seq.ts';
import { type Segment, SYN, URG } from '../wire/tcp.ts';
import type { Tcb } from './tcb.ts';

/**
 * Urgent text (RFC 9293 section 3.8.5, RFC 6093) as Linux has it: one octet, the last of what is sent as urgent. The field
 * points behind it (what everybody does, RFC 6093 section 3.1); the receiver takes the octet out of the stream and offers
 * it by MSG_OOB, unless its user wants it in line.
 */

// Sending ----------------------------------------------------------------------------------------------------------------

/** What has just been queued ends with an urgent octet. */
export function markUrgent(tcb: Tcb): void {
  tcb.snd.up = tcb.textEnd;
}

export const isUrgentMode = ({ snd }: Tcb): boolean => seqGt(snd.up, snd.una);

/** The urgent pointer of a segment that begins at `seq`; 0: it carries no URG. Far ahead, the field tells what it can. */
export function urgentPointer(tcb: Tcb, seq: Seq): number {
  const { snd } = tcb;
  if (!isUrgentMode(tcb) || !seqGt(snd.up, seq)) return 0;
  return Math.min(seqSub(snd.up, seq), 0xffff);
}

// Receiving --------------------------------------------------------------------------------------------------------------

/** Sixth step of section 3.10.7.4: "check the URG bit". The segment's text has not been taken in yet. */
export function checkUrgent(tcb: Tcb, seg: Segment): void {
  if ((seg.flags & URG) === 0) return;
  const { rcv } = tcb;
  // The pointer counts from the segment's number, as its sender sees the octet behind the urgent one.
  const up = seqAdd(seg.seq, seg.urgentPointer - (seg.urgentPointer > 0 ? 1 : 0));
  if (seqGt(tcb.copiedSeq, up) || seqLt(up, rcv.nxt)) return; // read already, or told before
  if (rcv.urgent !== 'none' && seqLe(up, rcv.up)) return;
  rcv.up = up; // MUST-32: a further urgent octet takes the place of one that nobody has read
  rcv.urgent = 'awaited';
  tcb.context.changed.add(tcb);
}

/** The segment's text is being taken in: is the urgent octet part of it? */
export function takeUrgentOctet(tcb: Tcb, seg: Segment): void {
  const { rcv } = tcb;
  if (rcv.urgent !== 'awaited') return;
  const offset = seqSub(rcv.up, seqAdd(seg.seq, (seg.flags & SYN) >> 1));
  if (offset < 0 || offset >= seg.textLength) return;
  rcv.urgentOctet = getUint8(seg.bytes, seg.textStart + offset);
  rcv.urgent = 'valid';
  tcb.context.changed.add(tcb);
}

/**
 * Octets that one RECEIVE may take, at most `available`: it stops before the urgent octet (section 3.9.1.3), and begins
 * behind it when it has come there.
 */
export function octetsBeforeMark(tcb: Tcb, available: number): number {
  const { rcv, settings } = tcb;
  if (rcv.urgent === 'none') return available;
  let distance = seqSub(rcv.up, tcb.copiedSeq);
  if (distance < 0) {
    if (rcv.urgent === 'read') rcv.urgent = 'none';
    return available;
  }
  if (distance === 0 && available > 0) {
    if (settings.urgentInline) return available;
    tcb.receiveQueue.release(1); // it has been, or could have been, read by MSG_OOB
    tcb.octetsIn++;
    if (rcv.urgent === 'read') rcv.urgent = 'none';
    available--;
    distance = available;
  }
  return distance > 0 ? Math.min(available, distance) : available;
}

/** Is the next octet the urgent one (SIOCATMARK, MUST-33)? */
export const isAtMark = (tcb: Tcb): boolean => tcb.rcv.urgent !== 'none' && tcb.rcv.up === tcb.copiedSeq;

/** An urgent octet waits to be read by `receiveUrgent`. */
export const hasUrgentOctet = (tcb: Tcb): boolean => tcb.rcv.urgent === 'valid';

/**
 * MSG_OOB: the urgent octet, which may be asked for once; -1 at the end of the stream.
 * @throws StackError EINVAL there is none, it was read, or it stays in line; EAGAIN it has not come yet
 */
export function receiveUrgent(tcb: Tcb, peek: boolean): number {
  const { rcv, settings } = tcb;
  if (settings.urgentInline || rcv.urgent === 'none' || rcv.urgent === 'read') throw new StackError('EINVAL');
  if (rcv.urgent === 'valid') {
    if (!peek) rcv.urgent = 'read';
    return rcv.urgentOctet;
  }
  if (tcb.state === 'CLOSED' || tcb.readShut || tcb.finReceived) return -1;
  throw new StackError('EAGAIN');
}
