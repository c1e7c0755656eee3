import { StackError } from './errors.ts';
import type { StackOptions, TcpOptions } from './options.ts';
import { ms, seconds } from './time.ts';

/**
 * The options of a host by the names that Linux gives them: one table, which is read, set and printed. The IPv6 host takes
 * those of TCP from `net.ipv4` too, as Linux does.
 */

/** What an option can be set to: one number, several with blanks between them, or a word. */
export type SysctlValue = number | string;

/** One option. */
export interface Sysctl {
  readonly name: string;
  /** How its value is written: 'flag', 'number 0…255', 'three numbers' or 'word'. */
  readonly type: string;
  readonly meaning: string;
  /** Where it is defined; empty where only Linux has it. */
  readonly rfc: string;
  get(options: StackOptions): SysctlValue;
  /** @throws StackError EINVAL */
  set(options: StackOptions, value: SysctlValue): void;
}

function toInteger(value: SysctlValue, least: number, most: number): number {
  const number = typeof value === 'number' ? value : /^\s*-?\d+\s*$/.test(value) ? Number(value) : Number.NaN;
  if (!Number.isInteger(number) || number < least || number > most) throw new StackError('EINVAL', `${value}`);
  return number;
}

function toIntegers(value: SysctlValue, count: number, least: number): number[] {
  const parts = String(value).trim().split(/[\s]+/);
  if (parts.length !== count) throw new StackError('EINVAL', `${value}: ${count} numbers are needed`);
  return parts.map((part) => toInteger(part, least, 0x7fffffff));
}

type Numbers = { [K in keyof TcpOptions]: TcpOptions[K] extends number ? K : never }[keyof TcpOptions];
type Flags = { [K in keyof TcpOptions]: TcpOptions[K] extends boolean ? K : never }[keyof TcpOptions];

const tcpName = (name: string): string => `net.ipv4.tcp_${name}`;

/** A number of TCP's, told in units of `unit`. */
const count = (
  name: string,
  member: Numbers,
  least: number,
  most: number,
  meaning: string,
  rfc = '',
  unit = 1,
): Sysctl => ({
  name: tcpName(name),
  type: `number ${least}…${most}`,
  meaning,
  rfc,
  get: ({ tcp }) => Math.round((tcp[member] as number) / unit),
  set: ({ tcp }, value) => {
    (tcp as Record<Numbers, number>)[member] = toInteger(value, least, most) * unit;
  },
});

const flag = (name: string, member: Flags, meaning: string, rfc = ''): Sysctl => ({
  name: tcpName(name),
  type: 'flag',
  meaning,
  rfc,
  get: ({ tcp }) => (tcp[member] ? 1 : 0),
  set: ({ tcp }, value) => {
    tcp[member] = toInteger(value, 0, 255) !== 0;
  },
});

/** Linux counts its own bookkeeping as half of the memory of a receive buffer. */
const receiveShare = 2;
/** Linux's word for "no bound". */
const unbounded = 0xffffffff;

const most = 0x7fffffff;

/** Everything that there is, by name. */
export const sysctls: readonly Sysctl[] = [
  {
    name: 'net.core.somaxconn',
    type: `number 0…${most}`,
    meaning: 'The largest backlog of a listener.',
    rfc: '',
    get: ({ tcp }) => tcp.somaxconn,
    set: ({ tcp }, value) => {
      tcp.somaxconn = toInteger(value, 0, most);
    },
  },
  {
    name: 'net.core.rmem_default',
    type: `number 2304…${most}`,
    meaning: 'Octets of received datagrams that a socket holds, unless it says otherwise.',
    rfc: '',
    get: ({ udpReceiveBuffer }) => udpReceiveBuffer,
    set: (options, value) => {
      options.udpReceiveBuffer = toInteger(value, 2304, most);
    },
  },
  {
    name: 'net.core.wmem_default',
    type: `number 4608…${most}`,
    meaning: 'Octets of datagrams that wait to leave.',
    rfc: '',
    get: ({ udpSendBuffer }) => udpSendBuffer,
    set: (options, value) => {
      options.udpSendBuffer = toInteger(value, 4608, most);
    },
  },
  {
    name: 'net.ipv4.ip_default_ttl',
    type: 'number 1…255',
    meaning: 'Hops that packets may take.',
    rfc: 'RFC 9293 MUST-49',
    get: ({ ttl }) => ttl,
    set: (options, value) => {
      options.ttl = toInteger(value, 1, 255);
    },
  },
  {
    name: 'net.ipv4.ip_forward',
    type: 'flag',
    meaning: 'Pass packets on that are for others.',
    rfc: 'RFC 1122 section 3.3.4',
    get: ({ forwarding }) => (forwarding ? 1 : 0),
    set: (options, value) => {
      options.forwarding = toInteger(value, 0, 1) !== 0;
    },
  },
  {
    name: 'net.ipv4.ip_local_port_range',
    type: 'two numbers',
    meaning: 'The ports that are given out, both included.',
    rfc: 'RFC 6056 section 3.2',
    get: ({ ephemeralPorts }) => ephemeralPorts.join(' '),
    set: (options, value) => {
      const [first = 0, last = 0] = toIntegers(value, 2, 1);
      if (first > last || last > 65_535) throw new StackError('EINVAL', `${value}`);
      options.ephemeralPorts = [first, last];
    },
  },
  {
    name: 'net.ipv4.icmp_msgs_per_sec',
    type: `number 0…${most}`,
    meaning: 'ICMP errors per second.',
    rfc: 'RFC 1812 section 4.3.2.8',
    get: ({ icmpErrorsPerSecond }) => icmpErrorsPerSecond,
    set: (options, value) => {
      options.icmpErrorsPerSecond = toInteger(value, 0, most);
    },
  },
  {
    name: 'net.ipv4.icmp_msgs_burst',
    type: `number 0…${most}`,
    meaning: 'ICMP errors that may come at once.',
    rfc: 'RFC 1812 section 4.3.2.8',
    get: ({ icmpErrorBurst }) => icmpErrorBurst,
    set: (options, value) => {
      options.icmpErrorBurst = toInteger(value, 0, most);
    },
  },
  flag('abort_on_overflow', 'abortOnOverflow', 'A full accept queue answers with a reset, not with silence.'),
  count('base_mss', 'baseMss', 48, 65_535, 'Where the search for the path MTU begins.', 'RFC 4821 section 7.2'),
  {
    name: tcpName('congestion_control'),
    type: 'word',
    meaning: 'The congestion control of connections that choose none.',
    rfc: 'RFC 5681, RFC 9438',
    get: ({ tcp }) => tcp.congestionControl,
    set: ({ tcp }, value) => {
      if (typeof value !== 'string' || value === '') throw new StackError('EINVAL', `${value}`);
      tcp.congestionControl = value;
    },
  },
  flag('dsack', 'dsack', 'Tell the peer of octets that came twice.', 'RFC 2883'),
  {
    name: tcpName('early_retrans'),
    type: 'number 0…4',
    meaning: 'Tail loss probes: 0 off, 3 on.',
    rfc: 'RFC 8985 section 7',
    get: ({ tcp }) => (tcp.tailLossProbe ? 3 : 0),
    set: ({ tcp }, value) => {
      tcp.tailLossProbe = toInteger(value, 0, 4) >= 3;
    },
  },
  {
    name: tcpName('ecn'),
    type: 'number 0…2',
    meaning: 'ECN: 0 off, 1 asked for and granted, 2 granted when asked for.',
    rfc: 'RFC 3168 section 6.1',
    get: ({ tcp }) => tcp.ecn,
    set: ({ tcp }, value) => {
      tcp.ecn = toInteger(value, 0, 2) as 0 | 1 | 2;
    },
  },
  flag('ecn_fallback', 'ecnFallback', 'A SYN sent again does not ask for ECN.', 'RFC 3168 section 6.1.1.1'),
  count(
    'fastopen',
    'fastOpen',
    0,
    0xfff,
    'Fast Open: 1 client, 2 server, 4 client without cookie, 0x200 server without cookie, 0x400 every listener.',
    'RFC 7413',
  ),
  count(
    'fin_timeout',
    'finWait2',
    0,
    most,
    'Seconds that FIN-WAIT-2 lasts once nobody reads.',
    'RFC 9293 section 3.6',
    seconds(1),
  ),
  flag('frto', 'frto', 'Find out whether a timeout was spurious.', 'RFC 5682'),
  count(
    'invalid_ratelimit',
    'challengeInterval',
    0,
    most,
    'Milliseconds between two challenge ACKs of a connection.',
    'RFC 5961 section 7',
    ms(1),
  ),
  count(
    'keepalive_intvl',
    'keepAliveInterval',
    1,
    32_767,
    'Seconds between keep-alive probes.',
    'RFC 9293 section 3.8.4',
    seconds(1),
  ),
  count(
    'keepalive_probes',
    'keepAliveProbes',
    1,
    127,
    'Probes without an answer that end a connection.',
    'RFC 9293 section 3.8.4',
  ),
  count(
    'keepalive_time',
    'keepAliveTime',
    1,
    32_767,
    'Seconds of silence before the first probe.',
    'RFC 9293 section 3.8.4',
    seconds(1),
  ),
  count('max_orphans', 'maxOrphans', 0, most, 'Connections without a user that are kept.'),
  count('max_reordering', 'maxReordering', 1, most, 'The most that the tolerance of reordering grows to, in segments.'),
  count('max_syn_backlog', 'maxSynBacklog', 1, most, 'Half-open connections of a listener.', 'RFC 4987 section 3.2'),
  count('max_tw_buckets', 'maxTimeWait', 0, most, 'Connections in TIME-WAIT that are kept.'),
  count('min_snd_mss', 'leastMss', 40, 65_535, 'The least MSS that a peer can make us use.'),
  flag('moderate_rcvbuf', 'moderateReceiveBuffer', 'Receive buffers find their size by themselves.'),
  count('mtu_probe_floor', 'mtuProbeFloor', 48, 65_535, 'The MSS below which the search never goes.'),
  {
    name: tcpName('mtu_probing'),
    type: 'number 0…2',
    meaning: 'Search for the path MTU with segments: 0 off, 1 after a black hole has been found, 2 from the start.',
    rfc: 'RFC 4821, RFC 8899',
    get: ({ tcp }) => tcp.mtuProbing,
    set: ({ tcp }, value) => {
      tcp.mtuProbing = toInteger(value, 0, 2) as 0 | 1 | 2;
    },
  },
  {
    name: tcpName('notsent_lowat'),
    type: `number 0…${unbounded}`,
    meaning: 'Octets queued and unsent at which writing waits.',
    rfc: '',
    get: ({ tcp }) => (Number.isFinite(tcp.notSentLowWater) ? tcp.notSentLowWater : unbounded),
    set: ({ tcp }, value) => {
      const wanted = toInteger(value, 0, unbounded);
      tcp.notSentLowWater = wanted === unbounded ? Number.POSITIVE_INFINITY : wanted;
    },
  },
  {
    name: tcpName('orphan_retries'),
    type: 'number 0…255',
    meaning: 'Retransmissions of a connection without a user; 0 means 8.',
    rfc: 'RFC 9293 section 3.8.3',
    get: ({ tcp }) => (tcp.orphanRetries === 8 ? 0 : tcp.orphanRetries),
    set: ({ tcp }, value) => {
      tcp.orphanRetries = toInteger(value, 0, 255) || 8;
    },
  },
  {
    name: tcpName('pacing_ca_ratio'),
    type: 'number 0…1000',
    meaning: 'The pacing rate in congestion avoidance, in hundredths of cwnd per round trip.',
    rfc: '',
    get: ({ tcp }) => Math.round(tcp.pacingAvoidance * 100),
    set: ({ tcp }, value) => {
      tcp.pacingAvoidance = toInteger(value, 0, 1000) / 100;
    },
  },
  {
    name: tcpName('pacing_ss_ratio'),
    type: 'number 0…1000',
    meaning: 'The same in slow start.',
    rfc: '',
    get: ({ tcp }) => Math.round(tcp.pacingSlowStart * 100),
    set: ({ tcp }, value) => {
      tcp.pacingSlowStart = toInteger(value, 0, 1000) / 100;
    },
  },
  count(
    'probe_interval',
    'mtuProbeInterval',
    0,
    100_000_000,
    'Seconds between two searches for the path MTU.',
    'RFC 4821 section 7.3',
    seconds(1),
  ),
  count('probe_threshold', 'mtuProbeThreshold', 0, most, 'Octets that the search for the path MTU leaves in doubt.'),
  count(
    'reordering',
    'reordering',
    1,
    300,
    'Duplicate acknowledgments that mean a loss, at first.',
    'RFC 5681 section 3.2',
  ),
  count(
    'retries1',
    'retriesBeforeDoubt',
    0,
    255,
    'Retransmissions before the way is doubted.',
    'RFC 9293 section 3.8.3 (R1)',
  ),
  count('retries2', 'retries', 0, 255, 'Retransmissions whose time ends a connection.', 'RFC 9293 section 3.8.3 (R2)'),
  flag('rfc1337', 'ignoreResetsInTimeWait', 'Resets do not end TIME-WAIT.', 'RFC 1337'),
  {
    name: tcpName('rmem'),
    type: 'three numbers',
    meaning: 'Receive buffer: least, first and largest, with as much bookkeeping as text.',
    rfc: '',
    get: ({ tcp }) => `4096 ${tcp.receiveBuffer * receiveShare} ${tcp.receiveBufferMax * receiveShare}`,
    set: ({ tcp }, value) => {
      const [, first = 0, largest = 0] = toIntegers(value, 3, 1);
      tcp.receiveBuffer = first / receiveShare;
      tcp.receiveBufferMax = largest / receiveShare;
    },
  },
  count('rto_max_ms', 'rtoMax', 1000, 120_000, 'The largest retransmission timeout.', 'RFC 6298 section 2.5', ms(1)),
  count(
    'rto_min_us',
    'rtoMin',
    1,
    most,
    'The least variance in a retransmission timeout, in microseconds.',
    'RFC 6298 section 2.4',
  ),
  flag('sack', 'sack', 'Selective acknowledgments.', 'RFC 2018'),
  flag('slow_start_after_idle', 'slowStartAfterIdle', 'Begin anew after a pause.', 'RFC 5681 section 4.1'),
  count(
    'syn_linear_timeouts',
    'synLinearTimeouts',
    0,
    127,
    'SYNs sent again at equal distances, before those that double.',
  ),
  count('syn_retries', 'synRetries', 1, 127, 'SYNs sent again before `connect` fails.', 'RFC 9293 MUST-22'),
  count('synack_retries', 'synAckRetries', 0, 255, 'SYN-ACKs sent again before a half-open connection is given up.'),
  {
    name: tcpName('syncookies'),
    type: 'number 0…2',
    meaning: 'SYN cookies: 0 never, 1 when the queues are full, 2 always.',
    rfc: 'RFC 4987 section 3.6',
    get: ({ tcp }) => tcp.synCookies,
    set: ({ tcp }, value) => {
      tcp.synCookies = toInteger(value, 0, 2) as 0 | 1 | 2;
    },
  },
  flag('thin_linear_timeouts', 'thinLinearTimeouts', 'Timeouts are not doubled while little is in flight.'),
  flag('timestamps', 'timestamps', 'Timestamps.', 'RFC 7323 section 3'),
  flag('window_scaling', 'windowScaling', 'Window scaling.', 'RFC 7323 section 2'),
  {
    name: tcpName('wmem'),
    type: 'three numbers',
    meaning: 'Send buffer: least, first and largest.',
    rfc: '',
    get: ({ tcp }) => `4096 ${tcp.sendBuffer} ${tcp.sendBufferMax}`,
    set: ({ tcp }, value) => {
      const [, first = 0, largest = 0] = toIntegers(value, 3, 1);
      tcp.sendBuffer = first;
      tcp.sendBufferMax = largest;
    },
  },
];

const byName: ReadonlyMap<string, Sysctl> = new Map(sysctls.map((sysctl) => [sysctl.name, sysctl]));

/** @throws StackError ENOENT there is no option of that name */
function find(name: string): Sysctl {
  const found = byName.get(name.replaceAll('/', '.'));
  if (found === undefined) throw new StackError('ENOENT', `no option ${name}`);
  return found;
}

/** Reads an option of a host: `net.ipv4.tcp_sack`. @throws StackError ENOENT there is none of that name */
export const readSysctl = (options: StackOptions, name: string): SysctlValue => find(name).get(options);

/**
 * Sets an option of a host, from now on. Connections that there are keep what they agreed upon.
 * @throws StackError ENOENT there is none of that name; EINVAL a value that it cannot have
 */
export const writeSysctl = (options: StackOptions, name: string, value: SysctlValue): void =>
  find(name).set(options, value);
