/**
 * Waiting for descriptors to become readable: one poll(2) at a time, for all TUN devices of a thread together.
 *
 * The poll blocks a thread of Node's pool, which has four, so every device waiting by itself would leave none for `fs`
 * and `dns` from the fourth device on. Slot 0 of the poll is an eventfd(2): writing to it ends the poll, which is how a
 * descriptor is added to or taken out of a running one, and how the process gets to exit.
 */
import { errnoName, TunError } from './errors.ts';
import { type Libc, O_CLOEXEC, O_NONBLOCK, POLLIN } from './libc.ts';

/** Told what poll(2) found: a set of POLLIN, POLLERR, POLLHUP and POLLNVAL, never empty. */
export type Woken = (revents: number) => void;

export class Waiter {
  readonly #libc: Libc;
  readonly #wakeFd: number;
  /** Descriptors that somebody waits for. */
  readonly #wanted = new Map<number, Woken>();
  /** The descriptors in the running poll, slot by slot from 1 on. Empty when no poll runs. */
  readonly #polled: number[] = [];
  /** What to do when the running poll has returned. */
  #afterwards: (() => void)[] = [];
  #running = false;
  /** The records struct pollfd { int fd; short events; short revents } of the running poll, which writes into them. */
  #pollfds = new ArrayBuffer(8 * POLLFD_SIZE);
  readonly #counter = new Uint8Array(new ArrayBuffer(8));

  /** @throws TunError (EMFILE) when no more descriptors are to be had */
  constructor(libc: Libc) {
    this.#libc = libc;
    this.#wakeFd = libc.eventfd(0, O_NONBLOCK | O_CLOEXEC);
    if (this.#wakeFd < 0) {
      const code = errnoName(libc.errno());
      throw new TunError(code, `cannot make an eventfd: ${code}`);
    }
    // Without this, process.exit() and an uncaught exception would wait for the next packet.
    process.on('exit', () => this.#running && this.#wake());
  }

  /** Calls `woken` once, later, when `fd` is readable or broken. Asking again replaces the callback. */
  watch(fd: number, woken: Woken): void {
    this.#wanted.set(fd, woken);
    if (!this.#running) this.#poll();
    else if (!this.#polled.includes(fd)) this.#wake();
  }

  /** Stops waiting for `fd`, then calls `done`, at once or when the running poll has let go of it: now `fd` may be closed. */
  forget(fd: number, done: () => void): void {
    this.#wanted.delete(fd);
    if (this.#polled.includes(fd)) {
      this.#afterwards.push(done);
      this.#wake();
    } else {
      done();
    }
  }

  /** Resolves when every `forget` so far is done. */
  settled(): Promise<void> {
    if (this.#afterwards.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#afterwards.push(resolve));
  }

  #poll(): void {
    this.#polled.length = 0;
    this.#setSlot(0, this.#wakeFd);
    for (const fd of this.#wanted.keys()) this.#setSlot(this.#polled.push(fd), fd);
    this.#running = true;
    this.#libc.poll(new Uint8Array(this.#pollfds), this.#polled.length + 1, POLL_LIMIT_MS, (error, ready) =>
      this.#returned(error === null ? ready : -1),
    );
  }

  #returned(ready: number): void {
    this.#running = false;
    if (ready > 0 && this.#revents(0) !== 0) this.#libc.read(this.#wakeFd, this.#counter, 8);

    // In microtasks: an exception in one callback then stops neither the others nor the next poll.
    this.#polled.forEach((fd, index) => {
      const revents = ready > 0 ? this.#revents(index + 1) : 0;
      const woken = this.#wanted.get(fd);
      if (revents === 0 || woken === undefined) return;
      this.#wanted.delete(fd);
      queueMicrotask(() => woken(revents));
    });
    this.#polled.length = 0;
    for (const done of this.#afterwards.splice(0)) done();

    const pollAgain = (): void => {
      if (!this.#running && this.#wanted.size > 0) this.#poll();
    };
    if (ready >= 0) queueMicrotask(pollAgain);
    else setTimeout(pollAgain, RETRY_MS); // out of memory, or so: poll fails at once, and would again
  }

  #wake(): void {
    this.#counter.fill(0);
    this.#counter[0] = 1; // any number but 0 in either byte order
    this.#libc.write(this.#wakeFd, this.#counter, 8);
  }

  #setSlot(slot: number, fd: number): void {
    if (this.#pollfds.byteLength < (slot + 1) * POLLFD_SIZE) {
      const larger = new ArrayBuffer(2 * this.#pollfds.byteLength);
      new Uint8Array(larger).set(new Uint8Array(this.#pollfds));
      this.#pollfds = larger;
    }
    new Int32Array(this.#pollfds, slot * POLLFD_SIZE, 1)[0] = fd;
    new Int16Array(this.#pollfds, slot * POLLFD_SIZE + 4, 2)[0] = POLLIN;
  }

  #revents(slot: number): number {
    return new Int16Array(this.#pollfds, slot * POLLFD_SIZE + 4, 2)[1]!;
  }
}

/** The waiter of this thread. It keeps its one descriptor, the eventfd, for as long as the thread lives. */
export function sharedWaiter(libc: Libc): Waiter {
  shared ??= new Waiter(libc);
  return shared;
}

let shared: Waiter | undefined;

const POLLFD_SIZE = 8;
/** `worker.terminate()` runs no exit handler and waits for the poll, so it gets to wait this long at most. */
const POLL_LIMIT_MS = 1000;
const RETRY_MS = 50;
