import type { SocketModule } from '../../src/api/index.ts';
import { type Runner, seconds } from '../../src/stack/index.ts';
import type { Interval, TestStream } from './counts.ts';
import { receiveDatagrams, sendDatagrams } from './datagrams.ts';
import { reasonOf } from './protocol.ts';
import { Pace, pauseUntil, Stop } from './rate.ts';
import type { TestSettings } from './settings.ts';
import { receiveBlocks, sendBlocks, type Traffic } from './streams.ts';

/**
 * The part of a test in which octets flow, on either side: the loops of all streams, what is omitted at the beginning, the
 * intervals of the reports, and the end.
 */

/** What one interval was like for each stream. */
export type Row = readonly (readonly [stream: TestStream, interval: Interval])[];

/** Processor time that a process has used, in seconds. */
export interface CpuTime {
  readonly user: number;
  readonly system: number;
}

/** Processor time beside the time that passed, in percent. */
export interface CpuUse {
  readonly total: number;
  readonly user: number;
  readonly system: number;
}

export interface RunOptions {
  readonly settings: TestSettings;
  readonly streams: readonly TestStream[];
  readonly module: SocketModule;
  readonly runner: Runner;
  /** Seconds between reports; 0 for none but the last. */
  readonly interval: number;
  /** This side decides when it is over; the other one is told. */
  readonly endsIt: boolean;
  readonly cpu: () => CpuTime;
  readonly onInterval: (row: Row) => void;
}

export class Run {
  readonly settings: TestSettings;
  readonly streams: readonly TestStream[];
  readonly stop = new Stop();
  /** Seconds that counted, from the beginning to the end. */
  duration = 0;
  hasStarted = false;
  readonly #options: RunOptions;
  readonly #paces: Pace[] = [];
  #startedAt = 0;
  #markAt = 0;
  #isOmitting: boolean;
  #cpuAtStart: CpuTime;
  #beganAt: number;
  #failed: (why: string) => void = () => {};
  /** Resolves with why a stream has failed; never, if none does. */
  readonly failed: Promise<string>;
  /** Resolves when everything is done that the settings ask for, if this side decides, or when `end` is called. */
  readonly finished: Promise<void>;

  constructor(options: RunOptions) {
    this.#options = options;
    this.settings = options.settings;
    this.streams = options.streams;
    this.#isOmitting = options.settings.omit > 0;
    this.#cpuAtStart = options.cpu();
    this.#beganAt = options.runner.now();
    this.failed = new Promise((resolve) => {
      this.#failed = resolve;
    });
    this.finished = new Promise((resolve) => this.stop.add(resolve));
  }

  /** Lets the octets flow. */
  start(): void {
    this.hasStarted = true;
    const { settings, streams, module, runner } = this.#options;
    this.#begin();
    const traffic: Traffic = {
      module,
      stop: this.stop,
      length: settings.length,
      isEnough: () => this.#isEnough(),
      counted: () => {
        if (this.#isEnough()) this.end();
      },
    };
    const isWide = settings.wideCounters;
    for (const stream of streams) {
      const pace =
        stream.sends && settings.rate > 0 ? new Pace(settings.rate, settings.burst, runner, this.stop) : null;
      if (pace !== null) this.#paces.push(pace);
      void this.#watch(stream, this.#loopOf(stream, traffic, pace, isWide));
    }
    void this.#tick();
  }

  #loopOf(stream: TestStream, traffic: Traffic, pace: Pace | null, isWide: boolean): Promise<string | null> {
    if (stream.isUdp) {
      return stream.sends ? sendDatagrams(stream, traffic, pace, isWide) : receiveDatagrams(stream, traffic, isWide);
    }
    return stream.sends ? sendBlocks(stream, traffic, pace) : receiveBlocks(stream, traffic);
  }

  async #watch({ sends, socket }: TestStream, loop: Promise<string | null>): Promise<void> {
    const error = await loop;
    if (error === null) return;
    this.#failed(`unable to ${sends ? 'write to' : 'read from'} stream socket: ${reasonOf(socket, error)}`);
  }

  /** What counts begins, or begins anew. */
  #begin(): void {
    const now = this.#options.runner.now();
    this.#startedAt = now;
    this.#markAt = now;
    for (const stream of this.streams) stream.begin(now);
    for (const pace of this.#paces) pace.restart();
  }

  /** Intervals, what is omitted, and a test that takes a certain time. */
  async #tick(): Promise<void> {
    const { settings, runner, interval, endsIt } = this.#options;
    const lengthOf = (isOmitting: boolean): number => {
      if (isOmitting) return settings.omit;
      return endsIt && settings.seconds > 0 ? settings.seconds : Number.POSITIVE_INFINITY;
    };
    for (let count = 1; ; count++) {
      const nextTick = interval > 0 ? this.#startedAt + seconds(count * interval) : Number.POSITIVE_INFINITY;
      const phaseEnd = this.#startedAt + seconds(lengthOf(this.#isOmitting));
      await pauseUntil(Math.min(nextTick, phaseEnd), runner, this.stop);
      if (this.stop.isSet) return;
      if (nextTick < phaseEnd && runner.now() < phaseEnd) {
        this.#takeIntervals();
        continue;
      }
      if (!this.#isOmitting) return this.end();
      this.#takeIntervals();
      this.#isOmitting = false;
      this.#begin();
      count = 0;
    }
  }

  #isEnough(): boolean {
    const { settings, endsIt, streams } = this.#options;
    if (!endsIt || this.#isOmitting || (settings.octets === 0 && settings.blocks === 0)) return false;
    let sent = 0;
    let received = 0;
    const what = settings.octets > 0 ? 'octets' : 'blocks';
    for (const stream of streams) {
      if (stream.sends) sent += stream[what];
      else received += stream[what];
    }
    return Math.max(sent, received) >= settings[what];
  }

  /** Nothing is sent any more, and nothing that comes is counted. */
  end(): void {
    if (this.stop.isSet) return;
    const { runner, interval } = this.#options;
    const now = runner.now();
    this.duration = (now - this.#startedAt) / seconds(1);
    const isLong = (now - this.#markAt) / seconds(1) >= interval * 0.1;
    if (isLong || this.streams.some(({ hasMoved }) => hasMoved)) this.#takeIntervals();
    this.stop.set();
  }

  #takeIntervals(): void {
    const now = this.#options.runner.now();
    this.#markAt = now;
    const row = this.streams.map((stream) => {
      return [stream, stream.takeInterval(this.#startedAt, this.#isOmitting, now)] as const;
    });
    this.#options.onInterval(row);
  }

  /** How busy this process has been since the run was made. */
  cpuUse(): CpuUse {
    const { cpu, runner } = this.#options;
    const now = cpu();
    const passed = Math.max(1, runner.now() - this.#beganAt) / seconds(1);
    const user = ((now.user - this.#cpuAtStart.user) / passed) * 100;
    const system = ((now.system - this.#cpuAtStart.system) / passed) * 100;
    return { total: user + system, user, system };
  }
}
