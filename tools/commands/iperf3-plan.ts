import { limits, type TestSettings } from '../iperf3/settings.ts';
import { isRateFormat, parseRate, parseSize, type RateFormat } from '../iperf3/units.ts';
import type { HostCommandOptions } from './options.ts';

/** The command line of `iperf3`, checked as iperf3 checks it and with its defaults. */

export interface Iperf3Options extends HostCommandOptions {
  readonly server?: boolean;
  readonly client?: string;
  readonly 'one-off'?: boolean;
  readonly time?: string;
  readonly bytes?: string;
  readonly blockcount?: string;
  readonly bitrate?: string;
  readonly length?: string;
  readonly udp?: boolean;
  readonly parallel?: string;
  readonly reverse?: boolean;
  readonly bidir?: boolean;
  readonly omit?: string;
  readonly window?: string;
  readonly 'set-mss'?: string;
  readonly 'no-delay'?: boolean;
  readonly congestion?: string;
  readonly tos?: string;
  readonly format?: string;
  readonly version4?: boolean;
  readonly version6?: boolean;
  readonly 'udp-counters-64bit'?: boolean;
  readonly 'get-server-output'?: boolean;
}

export interface Iperf3Plan {
  /** Of the server to be a client of; null: be a server. */
  readonly host: string | null;
  readonly port: number;
  readonly family: 0 | 4 | 6;
  readonly interval: number;
  readonly isOneOff: boolean;
  readonly isJson: boolean;
  readonly format: RateFormat;
  readonly settings: TestSettings;
}

/** What iperf3 calls a parameter error. */
export class ParameterError extends Error {
  override readonly name = 'ParameterError';
}

/** @throws ParameterError an option's value cannot be, or two do not go together */
export function planOfIperf3(options: Iperf3Options): Iperf3Plan {
  const { client, server } = options;
  check(server !== true || client === undefined, 'cannot be both server and client');
  check(server === true || client !== undefined, 'must either be a client (-c) or server (-s)');
  if (server === true) checkServer(options);
  else check(options['one-off'] !== true, 'some option you are trying to set is server only');
  const port = whole(options.port ?? '5201');
  check(port >= 1 && port <= 65_535, 'port number must be between 1 and 65535 inclusive');
  const interval = Number(options.interval ?? '1');
  check(interval === 0 || (interval >= 0.1 && interval <= 60), 'invalid report interval (min = 0.1, max = 60 seconds)');
  const format = options.format ?? null;
  check(format === null || isRateFormat(format), 'bad format specifier (valid formats are in the set [kmgtKMGT])');
  return {
    host: client ?? null,
    port,
    family: options.version4 === true ? 4 : options.version6 === true ? 6 : 0,
    interval,
    isOneOff: options['one-off'] === true,
    isJson: options.json === true,
    format: format as RateFormat,
    settings: settingsOf(options),
  };
}

function settingsOf(options: Iperf3Options): TestSettings {
  const protocol = options.udp === true ? 'udp' : 'tcp';
  const ends = [options.time, options.bytes, options.blockcount].filter((end) => end !== undefined);
  check(ends.length <= 1, 'only one test end condition (-t, -n, -k) may be specified');
  const isTimed = options.bytes === undefined && options.blockcount === undefined;
  const time = isTimed ? whole(options.time ?? '10') : 0;
  check(time <= limits.seconds, `test duration too long (maximum = ${limits.seconds} seconds)`);
  check(!(options.reverse === true && options.bidir === true), 'cannot be both reverse and bidirectional');
  const parallel = whole(options.parallel ?? '1');
  check(parallel <= limits.parallel, `number of parallel streams too large (maximum = ${limits.parallel})`);
  const omit = Number(options.omit ?? '0');
  check(omit >= 0 && omit <= limits.omit, 'bogus value for --omit');
  const mss = whole(options['set-mss'] ?? '0');
  check(mss <= limits.mss, `TCP MSS too large (maximum = ${limits.mss} bytes)`);
  const window = size(options.window ?? '0');
  check(window <= limits.window, `socket buffer size too large (maximum = ${limits.window} bytes)`);
  const trafficClass = Number(options.tos ?? '0');
  check(trafficClass >= 0 && trafficClass <= 255, 'bad TOS value (must be between 0 and 255 inclusive)');
  const [rate = '', burst = '1'] = (options.bitrate ?? (protocol === 'udp' ? '1048576' : '0')).split('/');
  return {
    protocol,
    seconds: time,
    octets: size(options.bytes ?? '0'),
    blocks: size(options.blockcount ?? '0'),
    omit: Math.trunc(omit),
    direction: options.bidir === true ? 'both' : options.reverse === true ? 'reverse' : 'forward',
    parallel: Math.max(1, parallel),
    length: lengthOf(options.length, protocol),
    rate: parsed(parseRate(rate), rate),
    burst: Math.max(1, whole(burst)),
    window,
    mss,
    noDelay: options['no-delay'] === true,
    congestion: options.congestion ?? '',
    trafficClass,
    wideCounters: options['udp-counters-64bit'] === true,
    wantsServerOutput: options['get-server-output'] === true,
  };
}

function lengthOf(text: string | undefined, protocol: 'tcp' | 'udp'): number {
  if (text === undefined) return 0;
  const length = size(text);
  const { least, most } = limits.datagram;
  const isDatagram = length >= least && length <= most;
  check(protocol === 'tcp' || isDatagram, `block size invalid (minimum = ${least} bytes, maximum = ${most} bytes)`);
  check(length <= limits.length, `block size too large (maximum = ${limits.length} bytes)`);
  return length;
}

/** What a server is told by its client. */
function checkServer(options: Iperf3Options): void {
  const names = [
    ...(['time', 'bytes', 'blockcount', 'bitrate', 'length', 'udp', 'parallel', 'reverse', 'bidir', 'omit'] as const),
    ...(['window', 'set-mss', 'no-delay', 'congestion', 'tos', 'udp-counters-64bit', 'get-server-output'] as const),
  ];
  const isFine = names.every((name) => options[name] === undefined);
  check(isFine, 'some option you are trying to set is client only');
}

function check(isFine: boolean, message: string): asserts isFine {
  if (!isFine) throw new ParameterError(message);
}

function parsed(value: number | null, text: string): number {
  check(value !== null, `not a number: '${text}'`);
  return value;
}

const size = (text: string): number => parsed(parseSize(text), text);

const whole = (text: string): number => parsed(/^\d+$/.test(text) ? Number(text) : null, text);
