import { seqGe, seqGt } from '../base/seq.ts';
import { type Micros, never } from '../base/time.ts';
import type { Segment } from '../wire/tcp.ts';
import { hasDsack } from './dsack.ts';
import { noteEcho } from './ecn.ts';
import { decidesItself, isReducing } from './pipe.ts';
import { reduceInProportion } from './prr.ts';
import { detectLosses } from './rack.ts';
import { enterRecovery } from './reduction.ts';
import { isSynchronised } from './state.ts';
import type { Tcb } from './tcb.ts';
import {
  beginDoubt,
  endDoubt,
  everythingCameTwice,
  noteDuplicateTold,
  originalHasArrived,
  undo,
  wasNoLoss,
} from './undo.ts';

/**
 * Loss recovery: which phase a sender is in, and what takes it to another. What is lost is marked in the sent log; output
 * sends it as cwnd allows.
 *
 *     open      nothing is known to be lost
 *     reduced   slowing down because of ECN, without a loss (RFC 3168 section 6.1.2)
 *     recovery  a loss, seen by RACK (RFC 8985) or, without SACK, by duplicate acknowledgments (RFC 6582)
 *     loss      the retransmission timer has run out: slow start anew (RFC 5681 section 3.1), unless F-RTO (RFC 5682) finds
 *               that nothing was lost
 */

// What an acknowledgment says ---------------------------------------------------------------------------------------------

/**
 * An acknowledgment has been taken in, with its SACK blocks: the next phase, and what is lost. Tells whether congestion
 * control may take it for growth.
 */
export function respond(tcb: Tcb, seg: Segment, isNew: boolean, now: Micros): boolean {
  const { recovery, sentLog } = tcb;
  if (isNew && hasReneged(tcb)) return false; // no block is to be believed any more: the short timer decides
  const tellsDuplicate = tcb.sackEnabled && hasDsack(seg);
  const lostBefore = sentLog.everLost;
  let mayGrow = true;
  switch (recovery.phase) {
    case 'loss':
      mayGrow = respondInLoss(tcb, seg, isNew);
      break;
    case 'recovery':
      if (tellsDuplicate && everythingCameTwice(tcb)) {
        sentLog.forgetLosses();
        undo(tcb);
        open(tcb);
      } else respondInRecovery(tcb, seg, isNew);
      break;
    case 'reduced':
      if (seqGt(tcb.snd.una, recovery.recover)) endReduction(tcb); // so that the CWR has arrived as well
      break;
    default:
      if (isNew && recovery.duplicateAcks > 0) tcb.ownRecovery.duplicateAcks = 0;
      if (tellsDuplicate && wasNoLoss(tcb, seg)) undo(tcb); // the last of the duplicates came late
  }
  if (tcb.sackEnabled) detectLosses(tcb, now);
  else if (tcb.recovery.phase === 'open' && tcb.recovery.duplicateAcks >= tcb.reordering.segments) {
    sentLog.isolateFirst(0);
    sentLog.markLost(0); // RFC 5681 section 3.2; the segments before it let two new ones go (RFC 3042)
    enterRecovery(tcb, now);
  }
  noteEcho(tcb, seg, now); // the acknowledgment that ends one reduction may begin the next
  if (isReducing(tcb)) {
    reduceInProportion(tcb, tcb.context.delivery.arrived, isNew && sentLog.everLost === lostBefore);
    return false;
  }
  return mayGrow && tcb.recovery.phase !== 'recovery';
}

/**
 * Has all that was in flight at the beginning been acknowledged? Without SACK something beyond it must be, too: duplicates
 * of the last acknowledgment say nothing new (RFC 6582 section 4.1).
 */
const isBeyond = ({ snd, recovery, sackEnabled }: Tcb): boolean =>
  sackEnabled ? seqGe(snd.una, recovery.recover) : seqGt(snd.una, recovery.recover);

function respondInRecovery(tcb: Tcb, seg: Segment, isNew: boolean): void {
  const { ownRecovery: recovery, sentLog } = tcb;
  if (isBeyond(tcb)) {
    if (wasNoLoss(tcb, seg)) undo(tcb);
    else if (!decidesItself(tcb)) tcb.congestion.onRecovered();
    return open(tcb);
  }
  if (!isNew) return;
  if (tcb.snd.una === recovery.recover) {
    recovery.duplicateAcks = 0; // they were about what is acknowledged now
    return;
  }
  if (wasNoLoss(tcb, seg)) {
    // The original has arrived: nothing more is sent again, and once nothing repeated is on its way, all was a mistake.
    if (originalHasArrived(tcb, seg)) tcb.ownReordering.seen = true;
    if (sentLog.resent === 0) {
      sentLog.forgetLosses();
      undo(tcb);
      return open(tcb);
    }
  }
  // A partial acknowledgment: the next hole is lost too (RFC 6582 section 3.2 step 3).
  if (!tcb.sackEnabled) {
    recovery.duplicateAcks = Math.max(0, recovery.duplicateAcks - Math.max(0, tcb.context.delivery.arrived - 1));
    sentLog.isolateFirst(0);
    sentLog.markLost(0);
  }
  recovery.forced = true;
}

/** The last of the duplicates came when nothing was in flight any more. */
export function noteLateDuplicate(tcb: Tcb, seg: Segment): void {
  noteDuplicateTold(tcb, seg);
  tcb.rate.delivered += tcb.context.delivery.arrived;
  if (wasNoLoss(tcb, seg)) undo(tcb);
}

/** After a timeout. Returns whether cwnd may grow. */
function respondInLoss(tcb: Tcb, seg: Segment, isNew: boolean): boolean {
  const { ownRecovery: recovery, sentLog, snd } = tcb;
  const isOver = isBeyond(tcb);
  // RFC 5682 section 3.1 step 3.b. Without SACK, an acknowledgment of something sent again may be about the second copy.
  const { delivery } = tcb.context;
  const isProof = delivery.originalArrived && (tcb.sackEnabled || !delivery.repeatedArrived);
  const isSpurious = recovery.frto !== 'off' && isProof;
  if (isSpurious || (isNew && wasNoLoss(tcb, seg))) {
    sentLog.forgetLosses();
    undo(tcb);
    tcb.retries = 0;
    open(tcb);
    return true;
  }
  if (recovery.frto === 'trying') {
    if (delivery.sackedNow > 0 || !isNew) recovery.frto = 'off'; // step 3.a: the loss was real
  } else if (recovery.frto === 'armed' && isNew && !isOver) {
    // Step 2.b: new segments tell whether the old ones arrive.
    recovery.recover = snd.nxt;
    recovery.frto = tcb.unsent > 0 && snd.wnd > 0 ? 'trying' : 'off';
  }
  if (isOver) open(tcb);
  else if (isNew) recovery.duplicateAcks = 0;
  return true; // slow start over what the timeout took for lost
}

function open(tcb: Tcb): void {
  const { ownRecovery: recovery } = tcb;
  recovery.phase = 'open';
  recovery.duplicateAcks = 0;
  recovery.forced = false;
  recovery.frto = 'off';
  recovery.resentTs = -1;
  narrowWindow(tcb);
}

/** RFC 8985 section 6.2 step 4: after 16 recoveries without a duplicate, the reordering window is narrow again. */
function narrowWindow(tcb: Tcb): void {
  if (tcb.reordering.windowSteps === 1) return;
  const { ownReordering: reordering } = tcb;
  if (--reordering.recoveriesLeft <= 0) reordering.windowSteps = 1;
}

// Ends and timeouts -------------------------------------------------------------------------------------------------------

function endReduction(tcb: Tcb): void {
  tcb.congestion.onRecovered();
  open(tcb);
}

/** The retransmission timer has run out: begin anew from one segment. */
export function onRetransmissionTimeout(tcb: Tcb, now: Micros): void {
  const { ownRecovery: recovery, sentLog, rack, context } = tcb;
  if (!isSynchronised(tcb.state)) {
    recovery.forced = true; // no window yet that could be too large (see `begin`)
    return sentLog.markLostBefore(Number.POSITIVE_INFINITY);
  }
  const { phase } = recovery;
  // Of one loss the price is paid once: not again for a timeout in the recovery that it has begun (as Linux).
  const isAnother = phase === 'open' || seqGe(tcb.snd.una, recovery.recover) || (phase === 'loss' && tcb.retries === 1);
  if (isAnother) beginDoubt(tcb);
  tcb.congestion.onTimeout(sentLog.segments, isAnother, now);
  // RFC 5682 section 2.1 step 1: not when a loss is known already, but for timeouts in a row.
  const mayBeNone = phase === 'open' || phase === 'reduced' || tcb.retries > 1;
  recovery.frto = context.options.tcp.frto && mayBeNone && tcb.mtuSearch.probe === 0 ? 'armed' : 'off';
  recovery.phase = 'loss';
  recovery.hasTailProbe = false;
  recovery.tailProbeDue = false;
  recovery.recover = tcb.snd.nxt;
  recovery.duplicateAcks = 0;
  recovery.forced = true;
  if (tcb.ecn.enabled) tcb.ownEcn.cwrDue = true;
  // RFC 2018 section 8: a receiver may have dropped what it had told of; it has, when the first segment is marked.
  if (sentLog.length > 0 && sentLog.isSacked(0)) sentLog.forgetSacks();
  // RFC 8985 section 6.3: what was sent lately may still arrive. Without SACK nothing will tell of it.
  const since = tcb.sackEnabled && rack.sentAt >= 0 ? now - rack.rtt : Number.POSITIVE_INFINITY;
  sentLog.markLostBefore(since);
}

/**
 * The path has become narrower: what is too long for it is gone, and is sent again in pieces (RFC 1191 section 6.4). The rest
 * may still arrive (RFC 5927 section 7.2). That is no congestion, but nothing of it is to be taken back either.
 */
export function resendWhatIsTooLong(tcb: Tcb): void {
  const { sentLog, snd, context } = tcb;
  if (!isSynchronised(tcb.state)) return; // a SYN is short
  const lostBefore = sentLog.lost;
  for (let index = 0; index < sentLog.length; index++) if (sentLog.sizeOf(index) > snd.mss) sentLog.markLost(index);
  if (sentLog.lost === lostBefore) return;
  const { ownRecovery: recovery } = tcb;
  if (recovery.phase !== 'loss') {
    endDoubt(tcb);
    recovery.phase = 'loss';
    recovery.recover = snd.nxt;
    recovery.duplicateAcks = 0;
    recovery.frto = 'off';
  }
  tcb.timers.retransmit = never; // what is sent again gets its whole time
  recovery.forced = true;
  context.output.add(tcb);
}

/** SND.UNA has come to a segment that the receiver had told of: it has dropped it (Linux: SACK reneging). */
export const hasReneged = ({ sentLog, snd }: Tcb): boolean =>
  sentLog.length > 0 && sentLog.isSacked(0) && !seqGt(snd.una, sentLog.start);
