/** A word that threads wait for: nobody goes on before it is 1. */
export class Flag {
  readonly words: Int32Array;

  constructor(words: Int32Array = new Int32Array(new SharedArrayBuffer(4))) {
    this.words = words;
  }

  raise(): void {
    Atomics.store(this.words, 0, 1);
    Atomics.notify(this.words, 0);
  }

  wait(): void {
    Atomics.wait(this.words, 0, 0);
  }
}

/** Sleeps without an event loop. */
export const pause = (milliseconds: number): void => {
  if (milliseconds > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
};
