import type { Half, Interval, TestStream } from './counts.ts';
import type { Beginning, Ending, Reporter } from './reporter.ts';
import type { Row } from './run.ts';
import { formatOctets, formatRate, type RateFormat, twoDigits } from './units.ts';

/** The report of a test as text: the lines of iperf3, to the blank. */

export interface TextOptions {
  readonly format: RateFormat;
  readonly print: (line: string) => void;
  readonly complain: (line: string) => void;
}

const rule = '- '.repeat(25).trimEnd();
const longRule = '-'.repeat(59);

export class TextReporter implements Reporter {
  readonly #options: TextOptions;
  #lines: string[] = [];
  #beginning: Beginning | null = null;
  #rows = 0;

  constructor(options: TextOptions) {
    this.#options = options;
  }

  #print(line: string): void {
    this.#options.print(line);
    if (this.#beginning?.settings.wantsServerOutput !== false) this.#lines.push(line);
  }

  listening(port: number, test: number): void {
    for (const line of [longRule, `Server listening on ${port} (test #${test})`, longRule]) this.#options.print(line);
  }

  connecting(host: string, port: number, isReverse: boolean): void {
    this.#print(`Connecting to host ${host}, port ${port}`);
    if (isReverse) this.#print(`Reverse mode, remote host ${host} is sending`);
  }

  accepted(host: string, port: number): void {
    this.#print(`Accepted connection from ${host}, port ${port}`);
  }

  begun(beginning: Beginning): void {
    this.#beginning = beginning;
    this.#rows = 0;
    for (const { fd, local, remote } of beginning.run.streams) {
      this.#print(`${idOf(fd)} local ${local[0]} port ${local[1]} connected to ${remote[0]} port ${remote[1]}`);
    }
    this.#print(this.#header(false));
  }

  /** The titles of the columns. Of UDP a sender has others while it goes on. */
  #header(isSummary: boolean): string {
    const { run, settings } = this.#beginning!;
    const sends = run.streams.some(({ sends }) => sends);
    const receives = run.streams.some(({ sends }) => !sends);
    const first = `[ ID]${this.#isBoth ? '[Role]' : ''} Interval           Transfer     Bitrate`;
    if (settings.protocol === 'udp') {
      const isPlain = !isSummary && !receives;
      return `${first}         ${isPlain ? 'Total Datagrams' : 'Jitter    Lost/Total Datagrams'}`;
    }
    if (isSummary) return sends || !this.#beginning!.isServer ? `${first}         Retr` : first;
    return sends ? `${first}         Retr  Cwnd` : first;
  }

  get #isBoth(): boolean {
    return this.#beginning?.settings.direction === 'both';
  }

  #roleOf(sends: boolean): string {
    if (!this.#isBoth) return '';
    return `[${sends ? 'TX' : 'RX'}-${this.#beginning!.isServer ? 'S' : 'C'}]`;
  }

  interval(row: Row): void {
    const isMany = this.#beginning!.settings.parallel > 1;
    if (isMany && this.#rows++ > 0) this.#print(rule);
    for (const part of byDirection(row)) {
      for (const [stream, interval] of part) this.#print(this.#intervalLine(idOf(stream.fd), stream, interval));
      if (isMany) this.#print(this.#intervalLine('[SUM]', part[0]![0], sumOf(part), true));
    }
  }

  #intervalLine(id: string, { sends }: TestStream, interval: Interval, isSum = false): string {
    const { start, end, octets, tcp, udp, omitted } = interval;
    const line = this.#line(`${id}${this.#roleOf(sends)}`, start, end, octets);
    const note = omitted ? '(omitted)' : '';
    if (udp !== null) {
      if (sends) return `${line}  ${this.#isBoth ? ' '.repeat(10) : ''}${udp.packets}  ${note}`;
      return `${line}  ${losses(udp)}  ${note}`;
    }
    if (tcp === null) return `${line}${' '.repeat(18)}${note}`;
    const retransmits = `${line}  ${String(tcp.retransmits).padStart(3)}`;
    return isSum
      ? `${retransmits}${' '.repeat(13)}${note}`
      : `${retransmits}   ${formatOctets(tcp.cwnd)}       ${note}`;
  }

  #line(id: string, start: number, end: number, octets: number): string {
    const times = `${start.toFixed(2).padStart(6)}-${end.toFixed(2).padEnd(6)}`;
    const rate = formatRate(end > start ? octets / (end - start) : 0, this.#options.format);
    return `${id} ${times} sec  ${formatOctets(octets)}  ${rate}`;
  }

  ended({ run, isServer, wholes, others, isDone }: Ending): void {
    if (this.#beginning === null) return;
    this.#print(rule);
    this.#print(this.#header(true));
    for (const sends of [...new Set(run.streams.map((stream) => stream.sends))]) {
      const streams = run.streams.filter((stream) => stream.sends === sends);
      const sent: (Half | null)[] = [];
      const received: (Half | null)[] = [];
      const both = (id: string, isUdp: boolean, first: Half | null, second: Half | null): void => {
        // A server tells its own side alone: the client prints both.
        if (!isServer || sends) this.#print(this.#summaryLine(`${id}${this.#roleOf(sends)}`, isUdp, first, true));
        if (!isServer || !sends) this.#print(this.#summaryLine(`${id}${this.#roleOf(sends)}`, isUdp, second, false));
      };
      for (const stream of streams) {
        const whole = wholes.get(stream.id)!;
        sent.push(whole.sent);
        received.push(whole.received);
        both(idOf(stream.fd), stream.isUdp, whole.sent, whole.received);
      }
      if (streams.length > 1) both('[SUM]', streams[0]!.isUdp, sumHalves(sent), sumHalves(received));
    }
    const text = others?.serverOutput ?? null;
    if (text !== null) {
      const lines = typeof text === 'string' ? ['', 'Server output:', text] : ['', 'Server JSON output:', json(text)];
      for (const line of lines) this.#print(line);
    }
    if (!isServer && isDone) for (const line of ['', 'iperf Done.']) this.#print(line);
  }

  #summaryLine(id: string, isUdp: boolean, half: Half | null, isSender: boolean): string {
    const { octets, seconds, retransmits, jitter, lost, packets } = half ?? nothing;
    const duration = half === null ? this.#beginning!.run.duration : seconds;
    const line = this.#line(id, 0, duration, octets);
    const who = isSender ? 'sender' : 'receiver';
    if (isUdp)
      return `${line}  ${losses(isSender ? { jitter: 0, lost: 0, packets } : { jitter, lost, packets })}  ${who}`;
    if (isSender && retransmits >= 0) return `${line}  ${String(retransmits).padStart(3)}${' '.repeat(13)}${who}`;
    return `${line}${' '.repeat(18)}${who}`;
  }

  failed(message: string, isEnding: boolean): void {
    this.#options.complain(`iperf3: ${isEnding ? '' : 'error - '}${message}`);
  }

  finish(): void {
    this.#lines = [];
    this.#beginning = null;
  }

  output(): string {
    return this.#lines.map((line) => `${line}\n`).join('');
  }
}

const json = (value: object): string => JSON.stringify(value, null, '\t');

const idOf = (fd: number): string => `[${String(fd).padStart(3)}]`;

const losses = ({ jitter, lost, packets }: { jitter: number; lost: number; packets: number }): string => {
  const percent = twoDigits(packets > 0 ? (lost / packets) * 100 : 0);
  return `${(jitter * 1000).toFixed(3).padStart(5)} ms  ${lost}/${packets} (${percent}%)`;
};

const nothing: Half = { octets: 0, seconds: 0, retransmits: -1, packets: 0, lost: 0, jitter: 0 };

/** The streams of one direction, then those of the other. */
export function byDirection(row: Row): Row[] {
  const directions = [...new Set(row.map(([stream]) => stream.sends))];
  return directions.map((sends) => row.filter(([stream]) => stream.sends === sends));
}

/** All streams of a direction as one; the jitter is the average. */
export function sumOf(row: Row): Interval {
  const intervals = row.map(([, interval]) => interval);
  const first = intervals[0]!;
  const total = (of: (interval: Interval) => number): number =>
    intervals.reduce((sum, interval) => sum + of(interval), 0);
  const { tcp, udp } = first;
  return {
    ...first,
    octets: total(({ octets }) => octets),
    tcp: tcp === null ? null : { ...tcp, retransmits: total((each) => each.tcp?.retransmits ?? 0) },
    udp:
      udp === null
        ? null
        : {
            packets: total((each) => each.udp?.packets ?? 0),
            lost: total((each) => each.udp?.lost ?? 0),
            jitter: total((each) => each.udp?.jitter ?? 0) / intervals.length,
          },
  };
}

/** The same of whole streams. */
export function sumHalves(halves: readonly (Half | null)[]): Half | null {
  const known = halves.filter((half) => half !== null);
  if (known.length === 0) return null;
  const total = (of: (half: Half) => number): number => known.reduce((sum, half) => sum + of(half), 0);
  return {
    octets: total(({ octets }) => octets),
    seconds: Math.max(...known.map(({ seconds }) => seconds)),
    retransmits: known[0]!.retransmits < 0 ? -1 : total(({ retransmits }) => retransmits),
    packets: total(({ packets }) => packets),
    lost: total(({ lost }) => lost),
    jitter: total(({ jitter }) => jitter) / known.length,
  };
}
