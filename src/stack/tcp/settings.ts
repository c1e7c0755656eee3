import { anyInterface } from '../base/path.ts';
import type { Micros } from '../base/time.ts';

/**
 * What a user may choose for one connection: the options of its socket. A socket hands its settings to the connection that
 * it opens, and both look at the same record. Connections that a listener accepts have what it had then, as on Linux, and
 * share the record until somebody changes something for one of them: whoever does so has to ask for its `own`.
 * Where a value says "the stack's", the option of the stack decides, at the time when it is needed.
 */
export class TcpSettings {
  /** SO_REUSEADDR: the port may be shared with sockets that say the same, unless one listens. Off by default, as on Linux. */
  reuseAddress = false;
  /** SO_REUSEPORT: also with one that listens; connections are spread over the group. */
  reusePort = false;
  /** Send small segments at once: no Nagle (MUST-17). */
  noDelay = false;
  /** Hold back what does not fill a segment, for 200 ms at most (Linux: TCP_CORK). */
  cork = false;
  /** Hops that packets may take; 0 for the stack's (MUST-49). */
  ttl = 0;
  /** DSCP (MUST-48); the two lowest bits are RFC 3168's and not the user's. */
  trafficClass = 0;
  /** Ask an idle peer whether it is still there (RFC 9293 section 3.8.4). Off by default (MUST-25). */
  keepAlive = false;
  /** How long a peer may be silent before it is asked; 0 for the stack's. */
  keepAliveIdle: Micros = 0;
  /** Between one question and the next; 0 for the stack's. */
  keepAliveInterval: Micros = 0;
  /** Questions without an answer that end the connection; 0 for the stack's. */
  keepAliveProbes = 0;
  /** How long sent text may stay unacknowledged (RFC 5482, R2 of section 3.8.3); 0: as many times as the stack says. */
  userTimeout: Micros = 0;
  /** Do not double the timeout while little is in flight. */
  thinLinearTimeouts = false;
  /** SYNs sent again; 0 for the stack's. */
  synRetries = 0;
  /** How long FIN-WAIT-2 lasts for a closed socket; 0 for the stack's, negative: not at all. */
  finWait2: Micros = 0;
  /** What `close` does with unsent text: -1 sends it in the background, 0 resets, more waits so long. */
  linger: Micros = -1;
  /** The largest segment to send and to ask for; 0: what the way takes. */
  maxSegment = 0;
  /** Octets of received text to hold, which fixes the largest window; 0: found by itself, up to the stack's most. */
  receiveBuffer = 0;
  /** Octets that wait to be sent or acknowledged; 0: found by itself, up to the stack's most. */
  sendBuffer = 0;
  /** Never offer a larger window; 0: no such bound. */
  windowClamp = 0;
  /** Writing has to wait while so many octets are queued and not yet sent; 0 for the stack's. */
  notSentLowWater = 0;
  /** TCP_QUICKACK of a socket without a connection, and of those that a listener accepts. */
  quickAck = true;
  /** No IPv4 by way of mapped addresses. */
  v6Only = false;
  /** Leave the urgent octet in the stream (RFC 6093 section 3.3 would have it always so; sockets do not by default). */
  urgentInline = false;
  /** Octets that make a socket readable. */
  receiveLowWater = 1;
  /** A listener wakes its user only when text has come, and waits so long for it. */
  deferAccept: Micros = 0;
  /** Name of the congestion control; null for the stack's. */
  congestionControl: string | null = null;
  /** The highest rate of sending, octets per second; Infinity: no bound. */
  maxPacingRate: number = Number.POSITIVE_INFINITY;
  /** Fast Open (RFC 7413): half-open connections with text that a listener takes at once; 0: it takes none. */
  fastOpenQueue = 0;
  /** `connect` waits for the first text and sends it with the SYN. */
  fastOpenConnect = false;
  /** Fast Open without a cookie: only where nobody can lie about addresses. */
  fastOpenNoCookie = false;
  /** The only interface for its packets, or `anyInterface` (Linux: SO_BINDTODEVICE). */
  device: number = anyInterface;
  /** Report errors of ICMP at once also where they end nothing (Linux: IP_RECVERR's effect on a stream). */
  reportSoftErrors = false;

  /** Several connections may look at this record. */
  isShared = false;
  /** The record of connections that are accepted from now on; null: it has to be made anew. */
  inherited: TcpSettings | null = null;

  /** The settings of a connection that a listener with these ones accepts. */
  inherit(): Readonly<TcpSettings> {
    this.inherited ??= Object.assign(this.copy(), { deferAccept: 0, fastOpenQueue: 0, quickAck: true, isShared: true });
    return this.inherited;
  }

  /** A record to change that nobody else looks at: this one, or a copy. */
  own(): TcpSettings {
    if (this.isShared) return this.copy();
    this.inherited = null;
    return this;
  }

  copy(): TcpSettings {
    return Object.assign(new TcpSettings(), this, { isShared: false, inherited: null });
  }
}
