import { type Cancel, type Micros, ms } from '../../stack/index.ts';
import type { Scheduler } from '../driver.ts';

/** Node's clock and timers. Only `hold` keeps the process alive. */
export class NodeScheduler implements Scheduler {
  #held: NodeJS.Timeout | null = null;

  /** Monotonic, from the start of the process. */
  now(): Micros {
    return Math.floor(performance.now() * 1000);
  }

  soon(action: () => void): void {
    setImmediate(action);
  }

  at(when: Micros, action: () => void): Cancel {
    let timer: NodeJS.Timeout;
    const arm = (): void => {
      const delay = Math.ceil((when - this.now()) / ms(1));
      if (delay > longestTimer) timer = setTimeout(arm, longestTimer).unref();
      else timer = setTimeout(action, Math.max(delay, 0)).unref();
    };
    arm();
    return () => clearTimeout(timer);
  }

  hold(alive: boolean): void {
    if (alive) this.#held ??= setInterval(() => {}, longestTimer);
    else if (this.#held !== null) {
      clearInterval(this.#held);
      this.#held = null;
    }
  }
}

/** In milliseconds: what is longer, Node takes for 1. */
const longestTimer = 2 ** 31 - 1;
