/**
 * Congestion control: told what happened, asked how much may be in flight. Counted in segments, as Linux does.
 */
export interface CongestionController {
  readonly name: string;
  /** Segments that may be in flight. */
  readonly cwnd: number;
  /** Below it cwnd grows by slow start (RFC 5681 section 3.1). */
  readonly ssthresh: number;
  /** `acked` segments have arrived; `isLimited` when cwnd is what held sending back. Not called during recovery. */
  onAck(acked: number, isLimited: boolean): void;
  /** A loss, seen by duplicate acknowledgments: once per window. */
  onCongestion(inFlight: number): void;
  /** Recovery is over: everything that was in flight at its beginning has arrived. */
  onRecovered(): void;
  /** A retransmission timeout; only the first of a row halves. */
  onTimeout(inFlight: number, isFirst: boolean): void;
}
