/**
 * Storage that connections hand from one to the other, in sizes that are powers of two: what a connection does not need now
 * is not kept, and what it needs again need not be allocated. Contents are left as they are: whoever takes it writes before
 * it reads.
 */
export class Pool<T> {
  readonly #make: (size: number) => T;
  readonly #free: T[][] = [];
  readonly #most: number;

  /** @param most of all sizes together, as many units as are kept for later */
  constructor(most: number, make: (size: number) => T) {
    this.#most = most;
    this.#make = make;
  }

  #kept = 0;

  take(size: number): T {
    const free = this.#free[31 - Math.clz32(size)];
    const storage = free?.pop();
    if (storage === undefined) return this.#make(size);
    this.#kept -= size;
    return storage;
  }

  give(storage: T, size: number): void {
    if (this.#kept + size > this.#most) return;
    this.#kept += size;
    const index = 31 - Math.clz32(size);
    while (this.#free.length <= index) this.#free.push([]);
    this.#free[index]!.push(storage);
  }
}
