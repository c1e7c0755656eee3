import { deserialize, serialize } from 'node:v8';
import {
  type Answer,
  bell,
  type Call,
  isGone,
  lengthAt,
  ring,
  type SharedSlots,
  slotCount,
  slotOctets,
  slotStates,
  stateAt,
} from './slots.ts';

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
    Atomics.store(this.#control, isGone, 1);
    for (let slot = 0; slot < slotCount; slot++) {
      if (slot === asker) continue;
      Atomics.store(this.#control, stateAt(slot), slotStates.free);
      Atomics.notify(this.#control, stateAt(slot));
    }
    ring(this.#control);
  }
}
