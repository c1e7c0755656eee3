import { seqGe, seqGt, seqLe, seqLt } from '../base/seq.ts';
import type { Segment } from '../wire/tcp.ts';
import type { Tcb } from './tcb.ts';

/**
 * Takes in the SACK blocks of an acknowledgment (RFC 2018): marks what has arrived. What that says about the rest is RACK's
 * to find out. Blocks outside SND.UNA to SND.NXT, empty or reversed ones are ignored.
 */
export function applySack(tcb: Tcb, seg: Segment): void {
  const { sentLog, snd } = tcb;
  const { options } = seg;
  const before = sentLog.sacked;
  for (let block = 0; block < options.sackBlocks; block++) {
    const start = options.sackStart[block]!;
    const end = options.sackEnd[block]!;
    if (!seqLt(start, end) || !seqGt(start, snd.una) || seqGt(end, snd.nxt)) continue;
    for (let index = sentLog.find(start); index < sentLog.length && seqLt(sentLog.startOf(index), end); index++) {
      const isWhole = seqGe(sentLog.startOf(index), start) && seqLe(sentLog.endOf(index), end);
      if (!isWhole) {
        if (sentLog.isSacked(index) || sentLog.segmentsOf(index) === 1) continue;
        index = sentLog.isolate(index, start, end);
        if (index < 0) break;
      }
      sentLog.markSacked(index);
    }
  }
  if (sentLog.sacked > before) tcb.context.output.add(tcb); // less is in flight
}
