/**
 * The memory by which threads call each other. A caller (caller.ts) writes its call into its slot, rings, and sleeps until the
 * answer stands there; whoever serves (counter.ts) is woken by the bell, through its event loop, and looks which slots have a call.
 *
 * Words of the control memory: the bell; whether the host is gone; then for each slot its state and the length of what stands
 * in it.
 *
 *     free -> idle         a thread takes the slot
 *     idle -> called       the caller has written
 *     called -> served     the server has read it and works on it
 *     served -> answered   the server has written
 *     answered -> idle     the caller has read
 *     any -> free          the thread has left, or the host is gone
 */
export const slotStates = { free: 0, idle: 1, called: 2, served: 3, answered: 4 } as const;

export const slotCount = 64;
/** Octets that a call or an answer may have; only pages that are used cost memory. */
export const slotOctets = 1 << 20;
export const bell = 0;
export const isGone = 1;
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

export const stateAt = (slot: number): number => wordsBefore + slot * wordsPerSlot;
export const lengthAt = (slot: number): number => stateAt(slot) + 1;

/** A call on something of the server's: `target` is a name, or the number of a socket. */
export interface Call {
  readonly target: string | number;
  readonly method: string;
  readonly args: readonly unknown[];
}

/** What has come of it. */
export type Answer = { readonly value: unknown } | { readonly thrown: string; readonly name: string };

/** Wakes whoever serves. */
export function ring(control: Int32Array): void {
  Atomics.add(control, bell, 1);
  Atomics.notify(control, bell);
}
