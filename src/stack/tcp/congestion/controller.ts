import { type Seq, seqZero } from '../../base/seq.ts';
import type { Micros } from '../../base/time.ts';

/** What an acknowledgment of new text means for congestion control. One per connection, refilled each time. */
export class AckEvent {
  /** Whole segments that have arrived. */
  acked = 0;
  /** cwnd is what held sending back: only then may it grow. */
  isLimited = false;
  /** The round trip that the acknowledgment has measured, or -1. */
  rtt: Micros = -1;
  /** The smallest round trip of the connection; infinite before the first. */
  minRtt: Micros = Number.POSITIVE_INFINITY;
  una: Seq = seqZero;
  nxt: Seq = seqZero;
  now: Micros = 0;
}

/** How much may be in flight, in segments, and where slow start ends. */
export interface Window {
  readonly cwnd: number;
  readonly ssthresh: number;
}

/**
 * Congestion control: told what happened, asked how much may be in flight. Counted in segments, as Linux does.
 */
export interface CongestionController {
  readonly name: string;
  /** Segments that may be in flight. */
  readonly cwnd: number;
  /** Below it cwnd grows by slow start (RFC 5681 section 3.1). */
  readonly ssthresh: number;
  /** Text has arrived. Not called during recovery. */
  onAck(event: AckEvent): void;
  /** A loss, seen by duplicate acknowledgments: once per window. */
  onCongestion(inFlight: number, now: Micros): void;
  /** Recovery is over: everything that was in flight at its beginning has arrived. */
  onRecovered(): void;
  /** Nothing has been sent for so many timeouts: cwnd is halved for each, down to the initial window (RFC 2861). */
  onIdle(timeouts: number, initialWindow: number): void;
  /** The last loss or timeout was none: back to what was before it (RFC 9438 section 4.9). */
  undo(): void;
  /** Decides itself how to slow down: the stack neither reduces in proportion nor sets cwnd to ssthresh. */
  readonly ignoresReduction?: boolean;
  /** A retransmission timeout; only the first of a row reduces ssthresh. */
  onTimeout(inFlight: number, isFirst: boolean, now: Micros): void;
}
