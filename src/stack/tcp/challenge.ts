import type { Micros } from '../base/time.ts';
import { acknowledgeNow } from './ack-policy.ts';
import type { Tcb } from './tcb.ts';

/**
 * Challenge ACKs (RFC 5961): the answer to a segment that might be forged. It tells an honest peer the numbers that it
 * should have used, and a stranger nothing.
 *
 * One per connection in half a second, as on Linux. The limit is the connection's own: a shared one can be counted by
 * an attacker through a connection of his (CVE-2016-5696).
 */
export function challenge(tcb: Tcb, now: Micros): void {
  const { context } = tcb;
  if (now - tcb.challengedAt < context.options.tcp.challengeInterval) return context.drop('challenge limit', now);
  tcb.challengedAt = now;
  context.counters.tcpChallengeAcks++;
  acknowledgeNow(tcb);
}
