import type { Micros } from '../base/time.ts';

/** What a sender may wait for (limits.ts). Of two that are true, the one with the greater number counts. */
export const limits = { nothing: 0, network: 1, window: 2, buffer: 3 } as const;
export type Limit = (typeof limits)[keyof typeof limits];

/** What a connection counts of itself; TCP_INFO tells it (RFC 4898 has the field's names for most of it). */
export class ConnectionCounts {
  segmentsIn = 0;
  segmentsOut = 0;
  dataSegmentsIn = 0;
  dataSegmentsOut = 0;
  /** Octets of text sent, the repeated ones included. */
  octetsSent = 0;
  lastDataSentAt: Micros = -1;
  lastDataReceivedAt: Micros = -1;
  lastAckReceivedAt: Micros = -1;
  lastAckSentAt: Micros = -1;
  /** What sending waits for, since when, and for how long it has waited for what before. In milliseconds: small integers. */
  limit: Limit = limits.nothing;
  limitSince = 0;
  onNetwork = 0;
  onWindow = 0;
  onBuffer = 0;
}

/** What it counts besides when something goes wrong. */
export class Troubles {
  /** Octets of text sent again, and segments. */
  octetsResent = 0;
  retransmissions = 0;
  timeouts = 0;
  /** Segments that the peer saw marked by ECN. */
  deliveredMarked = 0;
  /** Duplicates that the peer has told of. */
  duplicatesTold = 0;
  /** Times that a segment turned out to have been overtaken. */
  reorderings = 0;
  /** Segments that arrived beyond a gap. */
  outOfOrder = 0;
}
