import type { Worker } from 'node:worker_threads';
import { startThread } from '../threads/start.ts';

/**
 * A thread that writes packets to a TUN without offload. There the kernel takes in each segment by itself, inside of our
 * write(2): that is half of what a segment costs us, and goes on beside the rest when another thread does it
 * (`npm run bench -- tun`: at an MTU of 1500 1.4 times as fast). Packets go through a circle of slots in shared memory.
 */

/** What both threads look at. */
export interface WriterPlan {
  readonly fd: number;
  readonly memory: SharedArrayBuffer;
  /** Octets of a slot. */
  readonly slot: number;
}

/** Places in the words at the beginning of the memory. Counts of packets wrap around. */
export const words = {
  /** Packets put in, and packets written. */
  put: 0,
  written: 1,
  /** The thread sleeps as long as this is 1. */
  isAsleep: 2,
  mustStop: 3,
  /** Packets that the kernel did not take. */
  errors: 4,
  /** The thread is up: what is put in before would have to wait for that. */
  isUp: 5,
} as const;
const wordCount = 16;
/** A power of two: about what a TUN's own queue holds. */
export const slots = 512;
/** Longer packets are few, and their copies cost more. */
const longest = 4096;
/** Milliseconds that a full circle, or one that has to be empty, is waited for at a time, and so many times. */
const patience = 1;
const mostWaits = 1000;

/** The parts of the memory. */
export function partsOf({ memory, slot }: WriterPlan) {
  const lengths = new Int32Array(memory, wordCount * 4, slots);
  const start = (wordCount + slots) * 4;
  return {
    words: new Int32Array(memory, 0, wordCount),
    lengths,
    packets: Array.from({ length: slots }, (_, index) => new Uint8Array(memory, start + index * slot, slot)),
  };
}

export class Writer {
  readonly #plan: WriterPlan;
  readonly #parts: ReturnType<typeof partsOf>;
  readonly #thread: Worker;
  #put = 0;
  #isGone = false;
  #onGone: () => void = () => {};

  /** Is it worth a thread to write packets of an interface with this MTU? */
  static suits(mtu: number): boolean {
    return mtu <= longest;
  }

  /** @param fd stays the caller's, who has to wait for `stop` before closing it */
  constructor(fd: number, mtu: number) {
    const slot = Math.ceil(mtu / 64) * 64;
    this.#plan = { fd, slot, memory: new SharedArrayBuffer((wordCount + slots) * 4 + slots * slot) };
    this.#parts = partsOf(this.#plan);
    this.#thread = startThread('./writing', import.meta.url, this.#plan);
    this.#thread.unref();
    const gone = (): void => {
      this.#isGone = true;
      this.#onGone();
    };
    this.#thread.once('exit', gone).once('error', gone);
  }

  /** Can it be had written by the thread? */
  get isUp(): boolean {
    return !this.#isGone && Atomics.load(this.#parts.words, words.isUp) === 1;
  }

  /** All that was put in has been written. */
  get isIdle(): boolean {
    return this.#isGone || Atomics.load(this.#parts.words, words.written) === this.#put;
  }

  /** Packets that the kernel did not take. */
  get errors(): number {
    return Atomics.load(this.#parts.words, words.errors);
  }

  /** Copies a packet, to be written soon. Waits while all slots are full. Returns false when it cannot be had written. */
  put(bytes: Uint8Array, length: number): boolean {
    if (length > this.#plan.slot || !this.#waitFor(slots - 1)) return false;
    const { words: control, lengths, packets } = this.#parts;
    const index = this.#put & (slots - 1);
    packets[index]!.set(bytes.subarray(0, length));
    lengths[index] = length;
    this.#put = (this.#put + 1) | 0;
    Atomics.store(control, words.put, this.#put);
    this.#wake();
    return true;
  }

  /** Waits until all has been written. */
  drain(): void {
    this.#waitFor(0);
  }

  /** Ends the thread when it has written all, and calls `stopped` then. */
  stop(stopped: () => void): void {
    if (this.#isGone) return stopped();
    this.#onGone = stopped;
    Atomics.store(this.#parts.words, words.mustStop, 1);
    this.#wake();
    this.#thread.ref(); // the descriptor has to be closed yet
  }

  #wake(): void {
    const control = this.#parts.words;
    if (Atomics.load(control, words.isAsleep) === 0) return;
    Atomics.store(control, words.isAsleep, 0);
    Atomics.notify(control, words.isAsleep);
  }

  /** Waits until at most so many packets are waiting; false if that never comes. */
  #waitFor(most: number): boolean {
    const control = this.#parts.words;
    for (let waits = 0; waits < mostWaits; waits++) {
      if (this.#isGone) return false;
      const written = Atomics.load(control, words.written);
      if (((this.#put - written) | 0) <= most) return true;
      Atomics.wait(control, words.written, written, patience);
    }
    return false;
  }
}
