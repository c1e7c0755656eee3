import { seqGe, seqGt, seqLe, seqLt } from '../base/seq.ts';
import type { Micros } from '../base/time.ts';
import type { Segment } from '../wire/tcp.ts';
import { enterRecovery } from './recovery.ts';
import type { Tcb } from './tcb.ts';

/** Segments above a hole that make it a loss (RFC 6675 section 2: DupThresh). */
const duplicateThreshold = 3;

/**
 * Takes in the SACK blocks of an acknowledgment (RFC 2018, RFC 6675): marks what has arrived, and what must be lost
 * because three segments above it have. Blocks outside SND.UNA to SND.NXT, empty or reversed ones are ignored.
 */
export function applySack(tcb: Tcb, seg: Segment, now: Micros): void {
  const { sentLog, snd } = tcb;
  const { options } = seg;
  const before = sentLog.sacked;
  for (let block = 0; block < options.sackBlocks; block++) {
    const start = options.sackStart[block]!;
    const end = options.sackEnd[block]!;
    if (!seqLt(start, end) || !seqGt(start, snd.una) || seqGt(end, snd.nxt)) continue;
    for (let index = sentLog.find(start); index < sentLog.length; index++) {
      if (!seqLe(sentLog.endOf(index), end)) break;
      if (seqGe(sentLog.startOf(index), start)) sentLog.markSacked(index);
    }
  }
  if (sentLog.sacked > before) markHoles(tcb, now);
}

function markHoles(tcb: Tcb, now: Micros): void {
  const { sentLog } = tcb;
  const lostBefore = sentLog.lost;
  let above = 0;
  for (let index = sentLog.length - 1; index >= 0; index--) {
    if (sentLog.isSacked(index)) above++;
    else if (above >= duplicateThreshold) sentLog.markLost(index);
  }
  if (sentLog.lost > lostBefore && tcb.recovery.phase === 'open') enterRecovery(tcb, now);
  tcb.context.output.add(tcb);
}
