import { deserialize, serialize } from 'node:v8';
import {
  type Answer,
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

/** What a call gives when nobody serves any more: the host is closed, or this thread has left it. */
export const gone: unique symbol = Symbol('gone');

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
   * @returns what the call returns; `gone` when there is nobody to do it
   * @throws what the call has thrown: TypeError, RangeError
   */
  call(call: Call): unknown {
    if (!this.#isOpen) return gone;
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
      if (now === slotStates.free || (now === slotStates.called && Atomics.load(control, isGone) === 1)) {
        this.#isOpen = false;
        return gone;
      }
      Atomics.wait(control, state, now);
    }
    const length = Atomics.load(control, lengthAt(this.#slot));
    const answer = deserialize(this.#area.slice(0, length)) as Answer;
    Atomics.store(control, state, slotStates.idle);
    if ('value' in answer) return answer.value;
    throw errorOf(answer);
  }

  /** Closes the host. Who else waits there learns that it is gone. Does nothing when it is gone already. */
  close(timeoutMs: number): void {
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

function errorOf({ name, thrown }: { name: string; thrown: string }): Error {
  if (name === 'TypeError') return new TypeError(thrown);
  return name === 'RangeError' ? new RangeError(thrown) : new Error(thrown);
}
