import { seqGe, seqGt } from '../base/seq.ts';
import { type Micros, ms, never, seconds } from '../base/time.ts';
import { isSynchronised } from './state.ts';
import type { Tcb } from './tcb.ts';
import { setTimer } from './timers.ts';

/**
 * Tail loss probes (RFC 8985 section 7): the last segments of a flight have no successors whose acknowledgment could tell of
 * their loss. A probe after two round trips draws one, long before the retransmission timeout, and without its price.
 */

/** A peer may hold the acknowledgment of a lone segment back, so long at most (as Linux assumes). */
const mostAckDelay: Micros = ms(200);
const withoutMeasurement: Micros = seconds(1);

/** Not while losses are repaired; to slow down for ECN repairs nothing. */
const mayProbe = ({ recovery }: Tcb): boolean => recovery.phase === 'open' || recovery.phase === 'reduced';

/** Section 7.2: after new text has been sent, or acknowledged. Never later than the timeout. */
export function scheduleTailProbe(tcb: Tcb, now: Micros): void {
  const { recovery, sentLog, rtt, timers } = tcb;
  timers.probe = never;
  const isQuiet = mayProbe(tcb) && sentLog.length > 0 && sentLog.sacked === 0 && sentLog.lost === 0;
  if (!tcb.context.options.tcp.tailLossProbe) return;
  if (!isQuiet || recovery.hasTailProbe || !tcb.sackEnabled || !isSynchronised(tcb.state)) return;
  const slack = sentLog.segments === 1 ? mostAckDelay : tcb.context.options.tcp.tailProbeSlack;
  const wait = rtt.srtt > 0 ? 2 * rtt.srtt + slack : withoutMeasurement;
  setTimer(tcb, 'probe', Math.min(now + Math.round(wait), timers.retransmit));
}

/** Section 7.3: the next segment is a probe, new text if there is some and it may be sent, the last one sent otherwise. */
export function onTailProbeTimeout(tcb: Tcb, now: Micros): void {
  tcb.timers.probe = never;
  if (tcb.sentLog.length === 0 || !mayProbe(tcb)) return;
  tcb.ownRecovery.tailProbeDue = true;
  tcb.context.counters.tcpTailProbes++;
  setTimer(tcb, 'retransmit', now + tcb.rtt.rto);
  tcb.context.output.add(tcb);
}

/** There is nothing that could be sent as one: the timeout comes when it would have come without. Returns 0: nothing is sent. */
export function giveUpTailProbe(tcb: Tcb, now: Micros): 0 {
  const { ownRecovery: recovery, sentLog, rtt, timers } = tcb;
  recovery.tailProbeDue = false;
  timers.probe = never;
  timers.retransmit = never;
  setTimer(tcb, 'retransmit', Math.max(now + leastTimeout, sentLog.sentAt(0) + rtt.rto));
  return 0;
}
const leastTimeout: Micros = ms(1);

/** A probe has been sent: which acknowledgment is about it. */
export function tailProbeSent(tcb: Tcb, wasSentAgain: boolean): void {
  const { ownRecovery: recovery } = tcb;
  recovery.tailProbeDue = false;
  recovery.hasTailProbe = true;
  recovery.tailProbeEnd = tcb.snd.nxt;
  recovery.tailProbeWasSentAgain = wasSentAgain;
}

/**
 * Section 7.4: has the probe repaired a loss? Then that was congestion, and counts once. If the receiver tells that the probe came
 * twice, or says nothing new (`isBare`: no text, no other window, no block), then nothing was lost.
 */
export function onAckOfTailProbe(tcb: Tcb, isBare: boolean, now: Micros): void {
  if (!tcb.recovery.hasTailProbe || !seqGe(tcb.snd.una, tcb.recovery.tailProbeEnd)) return;
  const { ownRecovery: recovery, snd, congestion, context } = tcb;
  if (!recovery.tailProbeWasSentAgain || context.delivery.tellsOfProbe) recovery.hasTailProbe = false;
  else if (seqGt(snd.una, recovery.tailProbeEnd)) {
    recovery.hasTailProbe = false;
    congestion.onCongestion(tcb.sentLog.segments, now);
    congestion.onRecovered();
  } else if (isBare) recovery.hasTailProbe = false;
}
