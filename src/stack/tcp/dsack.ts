import { type Seq, seqGe, seqLe, seqLt, seqMin } from '../base/seq.ts';
import type { Segment } from '../wire/tcp.ts';
import type { Tcb } from './tcb.ts';

/** Duplicate SACK (RFC 2883): the receiver tells which octets it has received twice, in the first block. */

/** Octets [start, end) have arrived once more: the next acknowledgment says so. */
export function noteDuplicate(tcb: Tcb, start: Seq, end: Seq): void {
  if (!tcb.sackEnabled || !tcb.context.options.tcp.dsack || !seqLt(start, end)) return;
  tcb.ack.dsackStart = start;
  tcb.ack.dsackEnd = end;
}

/** The part of [start, end) that lies before RCV.NXT has arrived before. */
export const noteDuplicateBefore = (tcb: Tcb, start: Seq, end: Seq): void =>
  noteDuplicate(tcb, start, seqMin(end, tcb.rcv.nxt));

/** Does the first block tell of a duplicate? It lies before the acknowledgment, or within the second one (section 4). */
export function hasDsack({ ack, options }: Segment): boolean {
  if (options.sackBlocks === 0) return false;
  const [start, end] = [options.sackStart[0]!, options.sackEnd[0]!];
  if (seqLe(end, ack)) return true;
  return options.sackBlocks > 1 && seqGe(start, options.sackStart[1]!) && seqLe(end, options.sackEnd[1]!);
}
