import { type Micros, ms, seconds } from './time.ts';

/** How the TCP of a stack behaves. Defaults are Linux's unless the comment says otherwise. */
export interface TcpOptions {
  /** Offer and accept window scaling (RFC 7323 section 2). */
  windowScaling: boolean;
  /** Offer and accept timestamps (RFC 7323 section 3). */
  timestamps: boolean;
  /** Offer and accept selective acknowledgments (RFC 2018). */
  sack: boolean;
  /** Octets of received text a connection may hold at first; it grows as the user reads. */
  receiveBuffer: number;
  /** The largest receive buffer a connection may get by itself; decides the window scale that is offered. */
  receiveBufferMax: number;
  /** Receive buffers find their size by themselves (tcp_moderate_rcvbuf). */
  moderateReceiveBuffer: boolean;
  /** Octets that wait to be sent or acknowledged, at first and at most. */
  sendBuffer: number;
  sendBufferMax: number;
  /** Writing waits while so many octets are queued and unsent; Infinity: no bound. */
  notSentLowWater: number;
  /** Name of the congestion control of connections that choose none: cubic, reno, bbr or one that was registered. */
  congestionControl: string;
  /** Segments that may be sent before the first acknowledgment (RFC 6928). */
  initialWindow: number;
  /** RFC 6298 section 2 asks for at least 1 s, rounding up; Linux and this stack use 200 ms (docs/decisions/0005). */
  rtoMin: Micros;
  rtoMax: Micros;
  /** Before the first round trip has been measured (RFC 6298 section 2.1). */
  rtoInitial: Micros;
  /** What a tail loss probe waits beyond two round trips (RFC 8985 section 7.2). */
  tailProbeSlack: Micros;
  /** How long an acknowledgment may wait for company; RFC 9293 section 3.8.6.3 allows up to 500 ms. */
  delayedAck: Micros;
  /** SYNs sent again, each after twice as long, before `connect` fails. */
  synRetries: number;
  /** SYNs sent again at equal distances before those (Linux: 4 since 6.5). */
  synLinearTimeouts: number;
  /** SYN-ACKs sent again before a half-open connection is given up. */
  synAckRetries: number;
  /** Retransmissions of one segment before the connection fails (R2 of RFC 9293 section 3.8.3), about 15 minutes. */
  retries: number;
  /** Probes or retransmissions of a connection that no socket owns any more. */
  orphanRetries: number;
  /** How long FIN-WAIT-2 lasts once the socket is closed. */
  finWait2: Micros;
  /** 2 MSL: how long TIME-WAIT lasts. */
  timeWait: Micros;
  /** Not more than one challenge ACK per connection in this time (RFC 5961 section 7). */
  challengeInterval: Micros;
  /** The largest backlog of a listener. */
  somaxconn: number;
  /** Half-open connections that a listener keeps at most, beyond which it answers with cookies or not at all. */
  maxSynBacklog: number;
  /** SYN cookies (RFC 4987 section 3.6): 0 never, 1 when the queues are full, 2 always. */
  synCookies: 0 | 1 | 2;
  /** A full accept queue answers with a reset, not with silence. */
  abortOnOverflow: boolean;
  /** Keep-alive: silence before the first probe, between probes, and how many without an answer (RFC 9293 section 3.8.4). */
  keepAliveTime: Micros;
  keepAliveInterval: Micros;
  keepAliveProbes: number;
  /** Begin anew with the initial window after a pause of one RTO (RFC 5681 section 4.1). */
  slowStartAfterIdle: boolean;
  /** ECN (RFC 3168): 0 off, 1 asked for and granted, 2 granted when asked for. */
  ecn: 0 | 1 | 2;
  /** A SYN that asks for ECN and stays without an answer is sent again without asking (RFC 3168 section 6.1.1.1). */
  ecnFallback: boolean;
  /** Forward RTO-recovery (RFC 5682): find out whether a timeout was spurious. */
  frto: boolean;
  /** Tell duplicates (RFC 2883). */
  dsack: boolean;
  /** Tail loss probes (RFC 8985 section 7). */
  tailLossProbe: boolean;
  /** Duplicate acknowledgments that mean a loss, at first and at most as reordering is seen. */
  reordering: number;
  maxReordering: number;
  /** Retransmissions before the way itself is doubted (R1 of RFC 9293 section 3.8.3). */
  retriesBeforeDoubt: number;
  /** Packetization layer path MTU discovery (RFC 4821): 0 off, 1 after a black hole has been found, 2 from the start. */
  mtuProbing: 0 | 1 | 2;
  /** Where the search begins, and below which MSS it never goes. */
  baseMss: number;
  mtuProbeFloor: number;
  /** The search has ended when so few octets are in doubt (RFC 4821 section 7.3). */
  mtuProbeThreshold: number;
  /** Connections with little in flight do not double their timeout (Linux: for interactive use). */
  thinLinearTimeouts: boolean;
  /** How long after a search has ended the next begins (RFC 4821 section 7.3). */
  mtuProbeInterval: Micros;
  /** The least MSS that a peer can make us use. */
  leastMss: number;
  /** Fast Open (RFC 7413), bits: 1 client, 2 server, 4 client without cookie, 0x200 server without cookie, 0x400 any listener. */
  fastOpen: number;
  /** Ignore resets in TIME-WAIT (RFC 1337). Linux lets them end it; see docs/decisions. */
  ignoreResetsInTimeWait: boolean;
  /** Connections in TIME-WAIT kept at most; the oldest go first. */
  maxTimeWait: number;
  /** Connections without a user kept at most; beyond, they are reset. */
  maxOrphans: number;
  /** Pacing: the rate as a share of cwnd per round trip, in slow start and after it. */
  pacingSlowStart: number;
  pacingAvoidance: number;
}

/** How a stack behaves. */
export interface StackOptions {
  /** Time to live of packets sent (RFC 9293 MUST-49). */
  ttl: number;
  /** ICMP errors per second, and how many may come at once (RFC 1812 section 4.3.2.8). */
  icmpErrorsPerSecond: number;
  icmpErrorBurst: number;
  /** Pass packets on that are for others: be a router. Off by default (RFC 1122 section 3.3.4.1). */
  forwarding: boolean;
  /** Octets that pieces of datagrams may hold: above `high` the oldest go until `low` is reached. */
  reassembly: { readonly high: number; readonly low: number };
  /** Octets of received datagrams a UDP socket may hold. */
  udpReceiveBuffer: number;
  /** Octets of datagrams that wait to leave. */
  udpSendBuffer: number;
  /** Ephemeral ports, both ends included (RFC 6056 section 3.2). */
  ephemeralPorts: readonly [first: number, last: number];
  tcp: TcpOptions;
}

export const defaultOptions: StackOptions = {
  ttl: 64,
  icmpErrorsPerSecond: 1000,
  icmpErrorBurst: 50,
  forwarding: false,
  reassembly: { high: 4 << 20, low: 3 << 20 },
  udpReceiveBuffer: 212_992,
  udpSendBuffer: 212_992,
  ephemeralPorts: [32_768, 60_999],
  tcp: {
    windowScaling: true,
    timestamps: true,
    sack: true,
    receiveBuffer: 64 << 10,
    receiveBufferMax: 3 << 20,
    moderateReceiveBuffer: true,
    sendBuffer: 256 << 10,
    sendBufferMax: 4 << 20,
    notSentLowWater: Number.POSITIVE_INFINITY,
    congestionControl: 'cubic',
    initialWindow: 10,
    rtoMin: ms(200),
    rtoMax: seconds(120),
    rtoInitial: seconds(1),
    tailProbeSlack: ms(2),
    delayedAck: ms(40),
    synRetries: 6,
    synLinearTimeouts: 0,
    synAckRetries: 5,
    retries: 15,
    orphanRetries: 8,
    finWait2: seconds(60),
    timeWait: seconds(60),
    challengeInterval: ms(500),
    somaxconn: 4096,
    maxSynBacklog: 2048,
    synCookies: 1,
    abortOnOverflow: false,
    keepAliveTime: seconds(7200),
    keepAliveInterval: seconds(75),
    keepAliveProbes: 9,
    slowStartAfterIdle: false,
    ecn: 2,
    ecnFallback: true,
    frto: true,
    dsack: true,
    tailLossProbe: true,
    reordering: 3,
    maxReordering: 300,
    retriesBeforeDoubt: 3,
    mtuProbing: 0,
    baseMss: 1024,
    mtuProbeFloor: 48,
    mtuProbeThreshold: 8,
    mtuProbeInterval: seconds(600),
    thinLinearTimeouts: false,
    leastMss: 48,
    fastOpen: 1,
    ignoreResetsInTimeWait: true,
    maxTimeWait: 131_072,
    maxOrphans: 131_072,
    pacingSlowStart: 2,
    pacingAvoidance: 1.2,
  },
};

/** Options with some of the defaults replaced. */
export type StackSettings = Partial<Omit<StackOptions, 'tcp'>> & { readonly tcp?: Partial<TcpOptions> };

export const withDefaults = (settings: StackSettings): StackOptions => ({
  ...defaultOptions,
  ...settings,
  tcp: { ...defaultOptions.tcp, ...settings.tcp },
});
