/**
 * The memory by which threads call each other. A caller (caller.ts) writes its call into its slot, rings, and sleeps until the
 * answer stands there; whoever serves (counter.ts) is woken by the bell, through its event loop, and looks which slots have a
 * call. What a slot cannot hold goes in pieces, each of which is answered.
 *
 * Words of the control memory: the bell; whether the host is gone; then for each slot its state, the length of what stands in
 * it, and how many octets are to follow.
 *
 *     unused, free -> idle a thread takes the slot, the first that it can have: behind one that is unused there is none to look at
 *     idle -> called       the caller has written
 *     called -> served     the server has read it and works on it
 *     served -> answered   the server has written
 *     answered -> called   the caller has written the next piece, or asks for it
 *     answered -> idle     the caller has read
 *     any -> free          the thread has left, or the host is gone
 */
export const slotStates = { unused: 0, free: 1, idle: 2, called: 3, served: 4, answered: 5 } as const;
type SlotState = (typeof slotStates)[keyof typeof slotStates];

export const slotCount = 64;
/** Octets; only pages that are used cost memory. */
const slotOctets = 1 << 20;
const bell = 0;
const gone = 1;
const wordsBefore = 4;
const wordsPerSlot = 4;

/** What threads that share a host hand to each other: memory, and nothing else. Can be posted and be workerData. */
export interface SharedSlots {
  readonly control: SharedArrayBuffer;
  readonly data: SharedArrayBuffer;
}

export const makeSlots = (): SharedSlots => ({
  control: new SharedArrayBuffer(4 * (wordsBefore + slotCount * wordsPerSlot)),
  data: new SharedArrayBuffer(slotCount * slotOctets),
});

/** A call on something of the server's: the target is a name, or the number of a socket. */
export type Call = readonly [target: string | number, method: string, args: readonly unknown[]];

/** What has come of it: a value, or the message and the name of what was thrown. */
export type Answer = readonly [value: unknown] | readonly [thrown: string, name: string];

/** One slot, as both sides see it. Whose turn it is its state says. */
export class Slot {
  readonly #control: Int32Array;
  readonly #area: Uint8Array;
  readonly #at: number;

  constructor({ control, data }: SharedSlots, index: number) {
    this.#control = new Int32Array(control);
    this.#area = new Uint8Array(data, index * slotOctets, slotOctets);
    this.#at = wordsBefore + index * wordsPerSlot;
  }

  get state(): SlotState {
    return Atomics.load(this.#control, this.#at) as SlotState;
  }

  /** Goes from one state to another. False when it was in a third one. */
  change(from: SlotState, to: SlotState): boolean {
    return Atomics.compareExchange(this.#control, this.#at, from, to) === from;
  }

  /** Goes to a state, and wakes who sleeps on the last one. */
  enter(state: SlotState): void {
    Atomics.store(this.#control, this.#at, state);
    Atomics.notify(this.#control, this.#at);
  }

  /** Sleeps while it is in this state. */
  sleep(state: SlotState): void {
    Atomics.wait(this.#control, this.#at, state);
  }

  /** Writes as many octets as there is room for. Returns those that have to follow. */
  put(octets: Uint8Array): Uint8Array {
    const piece = octets.subarray(0, slotOctets);
    this.#area.set(piece);
    this.#control[this.#at + 1] = piece.length;
    this.#control[this.#at + 2] = octets.length - piece.length;
    return octets.subarray(piece.length);
  }

  /** What stands here, as long as it is this side's turn. */
  get octets(): Uint8Array {
    return this.#area.subarray(0, this.#control[this.#at + 1]);
  }

  /** How many octets are to follow on what stands here. */
  get following(): number {
    return this.#control[this.#at + 2]! >>> 0;
  }
}

/** What comes in pieces, put together as they come: nobody is kept waiting by all of it at the end. */
export class Whole {
  #octets: Uint8Array | null = null;
  #at = 0;

  /** Takes what stands in the slot. Returns all of it, good for this side's turn, when nothing is to follow; or null. */
  take({ octets, following }: Slot): Uint8Array | null {
    if (this.#octets === null && following === 0) return octets;
    this.#octets ??= new Uint8Array(octets.length + following);
    this.#octets.set(octets, this.#at);
    this.#at += octets.length;
    if (following > 0) return null;
    const whole = this.#octets;
    this.#octets = null;
    this.#at = 0;
    return whole;
  }
}

/** The bell, and the sign at the door. */
export class Bell {
  readonly #control: Int32Array;

  constructor({ control }: SharedSlots) {
    this.#control = new Int32Array(control);
  }

  /** Wakes whoever serves. */
  ring(): void {
    Atomics.add(this.#control, bell, 1);
    Atomics.notify(this.#control, bell);
  }

  /** How often it has rung. */
  get count(): number {
    return Atomics.load(this.#control, bell);
  }

  /** Waits, without sleeping, until it has rung more often than that. */
  async next(count: number): Promise<void> {
    const woken = Atomics.waitAsync(this.#control, bell, count);
    if (woken.async) await woken.value;
  }

  /** The host is gone. */
  close(): void {
    Atomics.store(this.#control, gone, 1);
    this.ring();
  }

  get isClosed(): boolean {
    return Atomics.load(this.#control, gone) === 1;
  }
}
