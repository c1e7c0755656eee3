import { type Seq, seqZero } from '../../base/seq.ts';
import type { Micros } from '../../base/time.ts';

/** What an acknowledgment of new text means for congestion control. One per connection, refilled each time. */
export class AckEvent {
  /** Segments that have arrived and that no earlier acknowledgment has told of. */
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

/** What an acknowledgment says about the rate of the way (rate.ts). One per connection, refilled each time. */
export class RateSample {
  /** Segments that have arrived since the sampled one left, itself included, in so much time; 0: this one measures nothing. */
  delivered = 0;
  interval: Micros = 0;
  /** All that had arrived when it left, and all that has by now. */
  priorDelivered = 0;
  totalDelivered = 0;
  /** The user had no more to send when it left: the rate is the user's. */
  isAppLimited = false;
  /** Segments that have arrived, and that were found lost, by this very acknowledgment. */
  arrived = 0;
  lost = 0;
  inFlightBefore = 0;
  inFlight = 0;
  /** The round trip that it has measured, or -1. */
  rtt: Micros = -1;
  /** The sender's phase after it. */
  phase: RecoveryPhase = 'open';
  now: Micros = 0;
  /** For the controller to set: what arrives from now on says nothing about the way, because cwnd is held low on purpose. */
  limitsItself = false;
}

/** What brought a connection's sender here (RFC 5681, RFC 6582); recovery.ts. */
export type RecoveryPhase = 'open' | 'reduced' | 'recovery' | 'loss';

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
  /**
   * Every acknowledgment, in whatever phase. A controller that has this decides for itself how to slow down: `onAck` is not
   * called, and the stack does not reduce in proportion.
   */
  onSample?(sample: RateSample): void;
  /** Segments per second that may leave; none: as cwnd allows. */
  readonly pacingRate?: number;
  /** Segments have changed their size: cwnd and ssthresh times `factor` are as many octets as before. */
  rescale?(factor: number): void;
  /**
   * The handshake is done, or the controller is chosen for a connection that there is: its smoothed round trip, 0 if unknown,
   * and its least.
   */
  onOpen?(roundTrip: Micros, least: Micros, now: Micros): void;
  /** Nothing is in flight, and a segment is about to leave again after a pause. `isUsers`: for want of text, as far as is known. */
  onRestart?(pause: Micros, isUsers: boolean, now: Micros): void;
  /** A retransmission timeout; only the first of a row reduces ssthresh. */
  onTimeout(inFlight: number, isFirst: boolean, now: Micros): void;
}
