import { type Answer, Bell, type Call, type SharedSlots, Slot, slotCount, slotStates, Whole } from './slots.ts';
import { decode, encode } from './values.ts';

/** What a call gives when nobody serves any more: the host is closed, or this thread has left it. */
export const gone: unique symbol = Symbol('gone');

/** A thread's own way into a host that another thread turns. */
export class Caller {
  readonly #bell: Bell;
  readonly #slot: Slot;
  #isOpen = true;

  /** @throws Error all slots are taken */
  constructor(shared: SharedSlots) {
    this.#bell = new Bell(shared);
    this.#slot = takeSlot(shared);
  }

  /**
   * Calls, and sleeps until the answer is there.
   * @returns what the call returns; `gone` when there is nobody to do it
   * @throws what the call has thrown: TypeError, RangeError; TypeError an argument that cannot go to another thread
   */
  call(...call: Call): unknown {
    if (!this.#isOpen) return gone;
    const answer = this.#exchange(encode(call));
    if (answer === null) {
      this.#isOpen = false;
      return gone;
    }
    if (answer.length === 1) return answer[0];
    throw errorOf(...answer);
  }

  /** Octets for an answer. Null when the host is gone. */
  #exchange(octets: Uint8Array): Answer | null {
    const slot = this.#slot;
    for (let rest = slot.put(octets); ; rest = slot.put(rest)) {
      if (!this.#turn()) return null;
      if (rest.length === 0) break;
    }
    const whole = new Whole();
    let all = whole.take(slot);
    while (all === null) {
      slot.put(none);
      if (!this.#turn()) return null;
      all = whole.take(slot);
    }
    const answer = decode(all) as Answer;
    slot.enter(slotStates.idle);
    return answer;
  }

  /** It is the server's turn with the slot: sleeps until it is ours again. False when the host is gone. */
  #turn(): boolean {
    const slot = this.#slot;
    const { answered, called, free } = slotStates;
    slot.enter(called);
    this.#bell.ring();
    for (let { state } = slot; state !== answered; state = slot.state) {
      // Looked at after the call has been written: whoever closes does it the other way round, and so one sees the other.
      if (state === free || (state === called && this.#bell.isClosed)) return false;
      slot.sleep(state);
    }
    return true;
  }

  /** Closes the host. Who else waits there learns that it is gone. Does nothing when it is gone already. */
  close(timeoutMs: number): void {
    this.call('', 'close', [timeoutMs]);
    this.#isOpen = false;
  }

  /** Gives the slot back. */
  leave(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#slot.enter(slotStates.free);
    this.#bell.ring();
  }
}

/** @throws Error all slots are taken */
function takeSlot(shared: SharedSlots): Slot {
  const { unused, free, idle } = slotStates;
  for (let index = 0; index < slotCount; index++) {
    const slot = new Slot(shared, index);
    if (slot.change(unused, idle) || slot.change(free, idle)) return slot;
  }
  throw new Error(`more than ${slotCount} threads use this host`);
}

function errorOf(thrown: string, name: string): Error {
  if (name === 'TypeError') return new TypeError(thrown);
  return name === 'RangeError' ? new RangeError(thrown) : new Error(thrown);
}

const none = new Uint8Array(0);
