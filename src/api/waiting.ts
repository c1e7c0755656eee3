import type { Runner } from '../stack/index.ts';
import { StackError } from '../stack/index.ts';

/** How a wait ended. */
export type Woken = 'ready' | 'timeout';

/** Those who wait for something of a socket. They look again whenever it may have changed. */
export class Waiting {
  protected readonly runner: Runner;
  #looks: (() => void)[] = nobody;

  constructor(runner: Runner) {
    this.runner = runner;
  }

  /** Something has changed: whoever waits looks again, once. */
  wake(): void {
    const looks = this.#looks;
    if (looks.length === 0) return;
    this.#looks = nobody;
    for (const look of looks) look();
  }

  /** Calls `look` at the next change. */
  next(look: () => void): void {
    if (this.#looks === nobody) this.#looks = [look];
    else this.#looks.push(look);
  }

  /** Takes back what `next` has arranged. */
  forget(look: () => void): void {
    const index = this.#looks.indexOf(look);
    if (index >= 0) this.#looks.splice(index, 1);
  }

  /**
   * Waits until `isReady`, or until `deadline` of the host's clock.
   * @param isClosed ends the wait with an error
   * @throws StackError EBADF the socket was closed meanwhile
   */
  until(isReady: () => boolean, deadline: number, isClosed: () => boolean): Promise<Woken> {
    if (isReady()) return Promise.resolve('ready');
    return new Promise((resolve, reject) => {
      const end = (settle: () => void) => {
        cancel();
        this.forget(look);
        settle();
      };
      const cancel =
        deadline === Number.POSITIVE_INFINITY
          ? () => {}
          : this.runner.at(deadline, () => end(() => resolve('timeout')));
      const look = () => {
        if (isClosed()) end(() => reject(new StackError('EBADF')));
        else if (isReady()) end(() => resolve('ready'));
        else this.next(look);
      };
      this.next(look);
    });
  }
}

/** Sockets for which nobody waits share this. */
const nobody: (() => void)[] = [];
