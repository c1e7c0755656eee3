import { type Micros, ms, seconds } from './time.ts';

/** How the TCP of a stack behaves. Defaults are Linux's unless the comment says otherwise. */
export interface TcpOptions {
  /** Offer and accept window scaling (RFC 7323 section 2). */
  windowScaling: boolean;
  /** Offer and accept timestamps (RFC 7323 section 3). */
  timestamps: boolean;
  /** Offer and accept selective acknowledgments (RFC 2018). */
  sack: boolean;
  /** Octets of received text a connection may hold, unless the socket says otherwise. */
  receiveBuffer: number;
  /** The largest receive buffer a connection may get; decides the window scale that is offered. */
  receiveBufferMax: number;
  /** Octets that wait to be sent or acknowledged. */
  sendBuffer: number;
  /** CUBIC (RFC 9438) or NewReno (RFC 5681). */
  congestionControl: 'cubic' | 'reno';
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
  /** SYNs sent again before `connect` fails: 1 + 2 + 4 ... s, about 130 s. */
  synRetries: number;
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
    receiveBuffer: 1 << 20,
    receiveBufferMax: 6 << 20,
    sendBuffer: 256 << 10,
    congestionControl: 'cubic',
    initialWindow: 10,
    rtoMin: ms(200),
    rtoMax: seconds(120),
    rtoInitial: seconds(1),
    tailProbeSlack: ms(2),
    delayedAck: ms(40),
    synRetries: 6,
    synAckRetries: 5,
    retries: 15,
    orphanRetries: 8,
    finWait2: seconds(60),
    timeWait: seconds(60),
    challengeInterval: ms(500),
    somaxconn: 4096,
  },
};

/** Options with some of the defaults replaced. */
export type StackSettings = Partial<Omit<StackOptions, 'tcp'>> & { readonly tcp?: Partial<TcpOptions> };

export const withDefaults = (settings: StackSettings): StackOptions => ({
  ...defaultOptions,
  ...settings,
  tcp: { ...defaultOptions.tcp, ...settings.tcp },
});
