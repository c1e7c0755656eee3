import type { Micros } from '../base/time.ts';

/** What is known of the rate at which text arrives at the peer; what it means is in rate.ts. */
export class RateState {
  /** Segments that have arrived since the beginning, and when the last of them was told of. */
  delivered = 0;
  deliveredAt: Micros = 0;
  /** When the segment left that the last sample was about, or the first of a flight. */
  firstSentAt: Micros = 0;
  /** Until `delivered` is beyond it, samples measure the user; 0 when they measure the way. */
  appLimitedUntil = 0;
  /** Octets per second, the last sample; 0 before the first. */
  perSecond = 0;
  isAppLimited = false;
}
