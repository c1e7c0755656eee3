import { type Answer, Bell, type Call, type SharedSlots, Slot, slotCount, slotStates, Whole } from './slots.ts';
import { decode, encode } from './values.ts';

/** The serving side: takes calls as they come, in any order, and answers each when it is done. */
export class Counter {
  readonly #bell: Bell;
  readonly #windows: readonly Window[];

  constructor(shared: SharedSlots) {
    this.#bell = new Bell(shared);
    this.#windows = Array.from({ length: slotCount }, (_, index) => ({
      slot: new Slot(shared, index),
      call: new Whole(),
      answer: null,
    }));
  }

  /**
   * Serves until `close`.
   * @param serve does what a call asks for; what it does at once is answered before anything else happens
   * @param looked is told each time that calls have been looked for
   */
  async run(
    serve: (call: Call, slot: number) => Answer | Promise<Answer>,
    looked: () => void = () => {},
  ): Promise<void> {
    while (!this.#bell.isClosed) {
      const heard = this.#bell.count;
      for (let index = 0; index < slotCount; index++) {
        const window = this.#windows[index]!;
        if (window.slot.state === slotStates.unused) break;
        if (!window.slot.change(slotStates.called, slotStates.served)) continue;
        const call = nextOf(window);
        if (call === null) continue;
        const answer = serve(call, index);
        if (answer instanceof Promise) void answer.then((late) => tell(window, late));
        else tell(window, answer);
      }
      looked();
      await this.#bell.next(heard);
    }
  }

  /** Does no thread that takes part do anything but wait for an answer? False when there is none at all. */
  get allWait(): boolean {
    let count = 0;
    for (const { slot } of this.#windows) {
      const { state } = slot;
      if (state === slotStates.unused) break;
      if (state === slotStates.free) continue;
      if (state !== slotStates.served) return false;
      count++;
    }
    return count > 0;
  }

  /**
   * Serves no more; who waits learns that the host is gone. Whoever has asked for it, if anybody has, gets an answer, after all
   * others: then this thread may be ended.
   */
  close(asker: number | null = null): void {
    this.#bell.close();
    for (const [index, { slot }] of this.#windows.entries()) if (index !== asker) slot.enter(slotStates.free);
  }
}

/** A slot, and what does not fit into it. */
interface Window {
  readonly slot: Slot;
  /** What has come of the call. */
  readonly call: Whole;
  /** What is still to go of the answer. */
  answer: Uint8Array | null;
}

/** The call that stands there; null when it goes on, or is there for more of an answer: then it has been answered. */
function nextOf(window: Window): Call | null {
  const { slot, call } = window;
  if (window.answer !== null) {
    answer(window, window.answer);
    return null;
  }
  const all = call.take(slot);
  if (all === null) slot.enter(slotStates.answered);
  return all === null ? null : (decode(all) as Call);
}

function tell(window: Window, what: Answer): void {
  // Its thread may have gone meanwhile.
  if (window.slot.state === slotStates.served) answer(window, encode(what));
}

function answer(window: Window, octets: Uint8Array): void {
  const rest = window.slot.put(octets);
  window.answer = rest.length > 0 ? rest : null;
  window.slot.enter(slotStates.answered);
}
