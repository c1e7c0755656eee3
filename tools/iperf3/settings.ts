import { ProtocolError } from './protocol.ts';

/** What a test is: what the client asks for, and how it tells the server, in the JSON of iperf3's parameter exchange. */
export interface TestSettings {
  readonly protocol: 'tcp' | 'udp';
  /** What ends the test: seconds, octets or blocks; of these three only one is not 0. */
  readonly seconds: number;
  readonly octets: number;
  readonly blocks: number;
  /** Seconds at the beginning that do not count. */
  readonly omit: number;
  /** Who sends: the client, the server, or both. */
  readonly direction: 'forward' | 'reverse' | 'both';
  /** Streams in each direction. */
  readonly parallel: number;
  /** Octets of a write, or of a datagram. */
  readonly length: number;
  /** Bits per second of each stream; 0 without bound. */
  readonly rate: number;
  /** Blocks that may leave at once when it is time for one. */
  readonly burst: number;
  /** SO_SNDBUF and SO_RCVBUF; 0 leaves them alone. */
  readonly window: number;
  /** TCP_MAXSEG; 0 leaves it alone. */
  readonly mss: number;
  readonly noDelay: boolean;
  /** TCP_CONGESTION; '' leaves it alone. */
  readonly congestion: string;
  readonly trafficClass: number;
  /** Datagrams are counted with 64 bits. */
  readonly wideCounters: boolean;
  readonly wantsServerOutput: boolean;
}

/** Bounds of iperf3. */
export const limits = {
  parallel: 128,
  seconds: 86_400,
  omit: 60,
  length: 1_048_576,
  datagram: { least: 16, most: 65_507 },
  mss: 9216,
  window: 512 * 1024 * 1024,
} as const;

/** The version of iperf3 whose protocol this is. */
export const version = '3.12';

/** What the client sends. What is not in use is left out. */
export function toParameters(settings: TestSettings): Readonly<Record<string, unknown>> {
  const { direction, mss, noDelay, window, rate, trafficClass, burst, congestion } = settings;
  return {
    [settings.protocol]: true,
    omit: settings.omit,
    time: settings.seconds,
    num: settings.octets,
    blockcount: settings.blocks,
    ...(mss > 0 && { MSS: mss }),
    ...(noDelay && { nodelay: true }),
    parallel: settings.parallel,
    ...(direction === 'reverse' && { reverse: true }),
    ...(direction === 'both' && { bidirectional: true }),
    ...(window > 0 && { window }),
    len: settings.length,
    ...(rate > 0 && { bandwidth: rate }),
    pacing_timer: 1000,
    ...(burst > 1 && { burst }),
    ...(trafficClass > 0 && { TOS: trafficClass }),
    ...(congestion !== '' && { congestion }),
    ...(settings.wantsServerOutput && { get_server_output: 1 }),
    ...(settings.wideCounters && { udp_counters_64bit: 1 }),
    client_version: version,
  };
}

/** What may be in the message. Its sender may have put anything there. */
type Parameters = Readonly<Partial<Record<ParameterName, unknown>>>;
type ParameterName =
  | ('tcp' | 'udp' | 'omit' | 'time' | 'num' | 'blockcount' | 'MSS' | 'nodelay' | 'parallel' | 'reverse')
  | ('bidirectional' | 'window' | 'len' | 'bandwidth' | 'burst' | 'TOS' | 'congestion')
  | ('get_server_output' | 'udp_counters_64bit');

/** What the server understands of it. @throws ProtocolError it asks for what cannot be */
export function fromParameters(value: unknown): TestSettings {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse('no object');
  const fields = value as Parameters;
  const number = (name: keyof Parameters, most: number): number => {
    const field = fields[name] ?? 0;
    if (typeof field !== 'number' || !(field >= 0) || field > most) refuse(name);
    return Math.trunc(field as number);
  };
  const isUdp = fields.udp === true;
  if (!isUdp && fields.tcp !== true) refuse('protocol');
  const length = number('len', isUdp ? limits.datagram.most : limits.length);
  const congestion = fields.congestion ?? '';
  if (typeof congestion !== 'string' || congestion.length > 64) refuse('congestion');
  if (isUdp && length > 0 && length < limits.datagram.least) refuse('len');
  const direction = fields.bidirectional === true ? 'both' : fields.reverse === true ? 'reverse' : 'forward';
  return {
    protocol: isUdp ? 'udp' : 'tcp',
    seconds: number('time', limits.seconds),
    octets: number('num', Number.MAX_SAFE_INTEGER),
    blocks: number('blockcount', Number.MAX_SAFE_INTEGER),
    omit: number('omit', limits.seconds),
    direction,
    parallel: Math.max(1, number('parallel', limits.parallel)),
    length: length || (isUdp ? 1460 : 131_072),
    rate: number('bandwidth', Number.MAX_SAFE_INTEGER),
    burst: Math.max(1, number('burst', 1_000_000)),
    window: number('window', limits.window),
    mss: number('MSS', 65_535),
    noDelay: fields.nodelay === true,
    congestion: congestion as string,
    trafficClass: number('TOS', 255),
    wideCounters: fields.udp_counters_64bit === 1,
    wantsServerOutput: Boolean(fields.get_server_output),
  };
}

function refuse(what: string): never {
  throw new ProtocolError(`unable to receive parameters from client: ${what}`);
}
