import type { Runner } from '../../src/stack/index.ts';
import { seconds } from '../../src/stack/index.ts';

/** Time for tests: pauses that can be cut short, and the pace of a stream that has a target rate (`-b`). */

/** Something that happens once, for several who wait: the end of a test. */
export class Stop {
  #isSet = false;
  readonly #listeners: Set<() => void> = new Set();

  get isSet(): boolean {
    return this.#isSet;
  }

  set(): void {
    if (this.#isSet) return;
    this.#isSet = true;
    for (const listener of [...this.#listeners]) listener();
    this.#listeners.clear();
  }

  add(listener: () => void): void {
    this.#listeners.add(listener);
  }

  delete(listener: () => void): void {
    this.#listeners.delete(listener);
  }
}

/** Waits until `when` of the host's clock, or until the end. */
export function pauseUntil(when: number, runner: Runner, stop: Stop): Promise<void> {
  if (stop.isSet || when <= runner.now()) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      cancel();
      stop.delete(end);
      resolve();
    };
    const cancel = when === Number.POSITIVE_INFINITY ? () => {} : runner.at(when, end);
    stop.add(end);
  });
}

/**
 * The pace of one stream: a block may leave when all that left before, at the target rate, would have taken until now. Who
 * is late catches up, so the average holds although timers are coarse.
 */
export class Pace {
  readonly #runner: Runner;
  readonly #stop: Stop;
  readonly #octetsPerSecond: number;
  readonly #burst: number;
  #startedAt: number;
  #sent = 0;
  #left = 0;

  /** @param rate bits per second @param burst blocks that may leave at once */
  constructor(rate: number, burst: number, runner: Runner, stop: Stop) {
    this.#octetsPerSecond = rate / 8;
    this.#burst = burst;
    this.#runner = runner;
    this.#stop = stop;
    this.#startedAt = runner.now();
  }

  /** Waits until the next block may leave. */
  async turn(): Promise<void> {
    if (this.#left > 0) {
      this.#left--;
      return;
    }
    const due = this.#startedAt + seconds(this.#sent / this.#octetsPerSecond);
    if (due > this.#runner.now()) await pauseUntil(due, this.#runner, this.#stop);
    this.#left = this.#burst - 1;
  }

  sent(octets: number): void {
    this.#sent += octets;
  }

  /** The average begins anew, with what counts. */
  restart(): void {
    this.#startedAt = this.#runner.now();
    this.#sent = 0;
  }
}
