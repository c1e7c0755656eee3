import { seqGt, seqLe } from '../base/seq.ts';
import { type Micros, ms } from '../base/time.ts';
import { ACK, RST, type Segment, SYN } from '../wire/tcp.ts';
import { acknowledgeNow, mostAckWait } from './ack-policy.ts';
import { settleEcn } from './ecn.ts';
import { fail } from './ending.ts';
import { settleFastOpen } from './fast-open.ts';
import { acknowledgeSent, begin, scheduleRetransmit, takeRoundTrip } from './input-ack.ts';
import { receiveSyn } from './input-listen.ts';
import { checkFin, processText } from './input-text.ts';
import { beginDelivery } from './rack.ts';
import { sendResetFor } from './reset.ts';
import { enter } from './state.ts';
import type { Tcb } from './tcb.ts';
import { setTimer } from './timers.ts';
import { echoesAnother } from './timestamps.ts';

/** One tick of Linux's timers. */
const atOnce: Micros = ms(4);

/** SEGMENT ARRIVES in SYN-SENT (RFC 9293 section 3.10.7.3). */
export function arrivesInSynSent(tcb: Tcb, seg: Segment, now: Micros): void {
  const { context, snd } = tcb;
  const hasAck = (seg.flags & ACK) !== 0;
  if (hasAck && (seqLe(seg.ack, tcb.iss) || seqGt(seg.ack, snd.nxt))) {
    context.drop('unacceptable acknowledgment', now); // first
    // What the peer still has of a connection of before will be gone: ask again at once, but not twice (as Linux).
    if (tcb.retries === 0) setTimer(tcb, 'retransmit', now + atOnce);
    return sendResetFor(tcb, seg);
  }
  if (hasAck && (seg.flags & RST) === 0 && echoesAnother(tcb, seg, now)) {
    context.drop('old timestamp', now); // it answers somebody else's SYN (as Linux: PAWS of an active open)
    return sendResetFor(tcb, seg);
  }
  if ((seg.flags & RST) !== 0) {
    // second: only one that acknowledges our SYN comes from somebody who has seen it
    if (hasAck) fail(tcb, 'ECONNREFUSED', now);
    else context.drop('reset ignored', now);
    return;
  }
  // third: security and compartment are not implemented
  if ((seg.flags & SYN) === 0) return context.drop('no connection', now); // fifth
  receiveSyn(tcb, seg, now); // fourth
  if (!hasAck) {
    // Both sides opened at once (section 3.5, figure 8): answer with SYN-ACK, which is our SYN once more.
    enter(tcb, 'SYN-RECEIVED', now);
    tcb.sentLog.markLostAgain(0);
    tcb.ownRecovery.forced = true;
    context.output.add(tcb);
    return;
  }
  beginDelivery(tcb, seg, now);
  acknowledgeSent(tcb, seg, now);
  takeRoundTrip(tcb, seg, true, now);
  tcb.rate.delivered += context.delivery.arrived;
  tcb.rate.deliveredAt = now;
  scheduleRetransmit(tcb, now);
  settleEcn(tcb, seg);
  settleFastOpen(tcb, seg);
  enter(tcb, 'ESTABLISHED', now);
  tcb.counts.lastAckReceivedAt = now;
  begin(tcb, now);
  tcb.congestion.onOpen?.(tcb.rtt.srtt, tcb.rtt.min, now);
  // Text that is about to leave takes the acknowledgment along (as on Linux).
  if (tcb.writerWaits || tcb.settings.deferAccept > 0) setTimer(tcb, 'delayedAck', now + mostAckWait);
  else acknowledgeNow(tcb);
  // "Continue processing at the sixth step": but text on a SYN-ACK is Fast Open's, and otherwise comes again (as on Linux).
  if (tcb.fastOpen.isAsking) {
    processText(tcb, seg, now);
    checkFin(tcb, seg, now);
  }
}
