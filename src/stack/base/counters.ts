/** Why a packet went no further. One counter each; an observer is told as well. */
export const dropReasons = [
  // IP
  'truncated packet',
  'not IPv4 or IPv6',
  'bad header length',
  'bad total length',
  'bad header checksum',
  'source route',
  'bad IP option',
  'invalid source',
  'invalid destination',
  'not for this host',
  'bad payload length',
  'bad extension header',
  'bad IPv6 option',
  'unknown next header',
  'no next header',
  'bad fragment',
  'overlapping fragments',
  'reassembly memory',
  'reassembly timeout',
  'no route',
  'not forwarded',
  'unknown protocol',
  // ICMP
  'bad ICMP checksum',
  'malformed ICMP',
  'ICMP ignored',
  'ICMP rate limit',
  'malformed group message',
  'reply queue full',
  // UDP
  'bad UDP length',
  'bad UDP checksum',
  'no UDP socket',
  'UDP buffer full',
  // TCP
  'malformed TCP header',
  'malformed TCP option',
  'bad TCP checksum',
  'not unicast',
  'no connection',
  'unacceptable sequence number',
  'unacceptable acknowledgment',
  'old timestamp',
  'reset ignored',
  'no ACK bit',
  'challenge limit',
  'listen queue full',
  'accept queue full',
  'beyond the window',
  'out-of-order limit',
  'text after close',
] as const;

export type DropReason = (typeof dropReasons)[number];

/** What a stack has seen and done. Names follow the MIBs (RFC 4293, RFC 4113, RFC 4022) where one of them has the counter. */
export class Counters {
  ipInReceives = 0;
  ipInDelivers = 0;
  ipOutTransmits = 0;
  ipInOctets = 0;
  ipOutOctets = 0;
  ipReasmReqds = 0;
  ipReasmOKs = 0;
  ipOutFragCreates = 0;
  ipForwDatagrams = 0;
  icmpInMsgs = 0;
  icmpOutMsgs = 0;
  icmpInEchos = 0;
  icmpOutEchoReps = 0;
  icmpOutErrors = 0;
  udpInDatagrams = 0;
  udpOutDatagrams = 0;
  tcpActiveOpens = 0;
  tcpPassiveOpens = 0;
  tcpAttemptFails = 0;
  tcpEstabResets = 0;
  tcpInSegs = 0;
  tcpOutSegs = 0;
  tcpRetransSegs = 0;
  tcpOutRsts = 0;
  tcpTimeouts = 0;
  tcpFastRetrans = 0;
  tcpTailProbes = 0;
  /** Reductions of cwnd taken back, because nothing had been lost. */
  tcpUndos = 0;
  /** Connections that were forgotten because too many were in TIME-WAIT, and reset because too many had no user. */
  tcpTimeWaitOverflows = 0;
  tcpOrphanOverflows = 0;
  /** SYN cookies given, brought back, and found to be none of ours. */
  tcpCookiesSent = 0;
  tcpCookiesTaken = 0;
  tcpCookiesRefused = 0;
  tcpChallengeAcks = 0;
  tcpZeroWindowProbes = 0;
  readonly drops: Record<DropReason, number> = Object.fromEntries(dropReasons.map((reason) => [reason, 0])) as Record<
    DropReason,
    number
  >;
}
