import { deserialize, serialize } from 'node:v8';

/**
 * Calls between threads by shared memory. A caller writes its call into its slot, rings, and sleeps until the answer stands
 * there; whoever serves is woken by the bell, through its event loop, and looks which slots have a call.
 *
 * Words of the control memory: the bell; whether the host is gone; then for each slot its state and the length of what stands
 * in it.
 *
 *     free -> idle         a thread takes the slot
 *     idle -> called       the caller has written
 *     called -> served     the server has read it and works on it
 *     served -> answered   the server has written
 *     answered -> idle     the caller has read
 */
export const slotStates = { free: 0, idle: 1, called: 2, served: 3, answered: 4 } as const;

const slotCount = 64;
/** Octets that a call or an answer may have; only pages that are used cost memory. */
export const slotOctets = 1 << 20;
const bell = 0;
const gone = 1;
const wordsBefore = 4;
const wordsPerSlot = 2;

/** What threads that share a host hand to each other: memory, and nothing else. Can be posted and be workerData. */
export interface SharedSlots {
  readonly control: SharedArrayBuffer;
  readonly data: SharedArrayBuffer;
}

export const makeSlots = (): SharedSlots => ({
  control: new SharedArrayBuffer(4 * (wordsBefore + slotCount * wordsPerSlot)),
  data: new SharedArrayBuffer(slotCount * slotOctets),
});

const stateAt = (slot: number): number => wordsBefore + slot * wordsPerSlot;
const lengthAt = (slot: number): number => stateAt(slot) + 1;

/** A call on something of the server's: `target` is a name, or the number of a socket. */
export interface Call {
  readonly target: string | number;
  readonly method: string;
  readonly args: readonly unknown[];
}

/** What has come of it. */
export type Answer = { readonly value: unknown } | { readonly thrown: string; readonly name: string };

/** A thread's own way into a host that another thread turns. */
export class Caller {
  readonly #control: Int32Array;
  readonly #area: Uint8Array;
  readonly #slot: number;
  #isOpen = true;

  /** @throws Error all slots are taken */
  constructor({ control, data }: SharedSlots) {
    this.#control = new Int32Array(control);
    this.#slot = this.#take();
    this.#area = new Uint8Array(data, this.#slot * slotOctets, slotOctets);
  }

  #take(): number {
    for (let slot = 0; slot < slotCount; slot++) {
      const { free, idle } = slotStates;
      if (Atomics.compareExchange(this.#control, stateAt(slot), free, idle) === free) return slot;
    }
    throw new Error(`more than ${slotCount} threads use this host`);
  }

  /**
   * Calls, and sleeps until the answer is there.
   * @throws what the call has thrown: TypeError, RangeError; Error the host is gone
   */
  call(call: Call): unknown {
    if (!this.#isOpen) throw new Error('this thread has left the host');
    const bytes = serialize(call);
    if (bytes.length > slotOctets) throw new RangeError('more than a call can hold');
    this.#area.set(bytes);
    const control = this.#control;
    const state = stateAt(this.#slot);
    Atomics.store(control, lengthAt(this.#slot), bytes.length);
    Atomics.store(control, state, slotStates.called);
    ring(control);
    for (let now = Atomics.load(control, state); now !== slotStates.answered; now = Atomics.load(control, state)) {
      // Looked at after the call has been written: whoever closes does it the other way round, and so one sees the other.
      if (now === slotStates.free || Atomics.load(control, gone) === 1) throw new Error('the host is closed');
      Atomics.wait(control, state, now);
    }
    const length = Atomics.load(control, lengthAt(this.#slot));
    const answer = deserialize(this.#area.slice(0, length)) as Answer;
    Atomics.store(control, state, slotStates.idle);
    if ('value' in answer) return answer.value;
    throw errorOf(answer);
  }

  /** Closes the host. Who else waits there learns that it is gone. */
  close(timeoutMs: number): void {
    if (!this.#isOpen) return;
    this.call({ target: '', method: 'close', args: [timeoutMs] });
    this.#isOpen = false;
  }

  /** Gives the slot back. */
  leave(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    Atomics.store(this.#control, stateAt(this.#slot), slotStates.free);
    ring(this.#control);
  }
}

function ring(control: Int32Array): void {
  Atomics.add(control, bell, 1);
  Atomics.notify(control, bell);
}

function errorOf({ name, thrown }: { name: string; thrown: string }): Error {
  if (name === 'TypeError') return new TypeError(thrown);
  return name === 'RangeError' ? new RangeError(thrown) : new Error(thrown);
}

/** The serving side: takes calls as they come, in any order, and answers each when it is done. */
export class Counter {
  readonly #control: Int32Array;
  readonly #data: SharedArrayBuffer;
  #isClosed = false;

  constructor({ control, data }: SharedSlots) {
    this.#control = new Int32Array(control);
    this.#data = data;
  }

  /**
   * Serves until `close`.
   * @param serve does what a call asks for
   * @param looked is told each time that calls have been looked for
   */
  async run(serve: (call: Call, slot: number) => Promise<Answer>, looked: () => void = () => {}): Promise<void> {
    while (!this.#isClosed) {
      const heard = Atomics.load(this.#control, bell);
      for (let slot = 0; slot < slotCount; slot++) {
        const state = Atomics.compareExchange(this.#control, stateAt(slot), slotStates.called, slotStates.served);
        if (state === slotStates.called) void this.#serve(slot, serve);
      }
      looked();
      const woken = Atomics.waitAsync(this.#control, bell, heard);
      if (woken.async) await woken.value;
    }
  }

  async #serve(slot: number, serve: (call: Call, slot: number) => Promise<Answer>): Promise<void> {
    const area = new Uint8Array(this.#data, slot * slotOctets, slotOctets);
    const call = deserialize(area.slice(0, Atomics.load(this.#control, lengthAt(slot)))) as Call;
    const bytes = serialize(await serve(call, slot));
    // Its thread may have gone meanwhile.
    if (Atomics.load(this.#control, stateAt(slot)) !== slotStates.served) return;
    area.set(bytes);
    Atomics.store(this.#control, lengthAt(slot), bytes.length);
    Atomics.store(this.#control, stateAt(slot), slotStates.answered);
    Atomics.notify(this.#control, stateAt(slot));
  }

  /** Does no thread that takes part do anything but wait for an answer? False when there is none at all. */
  get allWait(): boolean {
    let count = 0;
    for (let slot = 0; slot < slotCount; slot++) {
      const state = Atomics.load(this.#control, stateAt(slot));
      if (state === slotStates.free) continue;
      if (state !== slotStates.served) return false;
      count++;
    }
    return count > 0;
  }

  /**
   * Serves no more; who waits learns that the host is gone. Whoever has asked for it gets an answer, after all others: then this
   * thread may be ended.
   */
  close(asker: number): void {
    this.#isClosed = true;
    Atomics.store(this.#control, gone, 1);
    for (let slot = 0; slot < slotCount; slot++) {
      if (slot === asker) continue;
      Atomics.store(this.#control, stateAt(slot), slotStates.free);
      Atomics.notify(this.#control, stateAt(slot));
    }
    ring(this.#control);
  }
}
