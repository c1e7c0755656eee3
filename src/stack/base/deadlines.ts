import { type Micros, never } from './time.ts';

/** Something with a deadline. The two fields belong to the heap it is put in. */
export interface Timed {
  /** The key in the heap: not later than the owner's true deadline. */
  heapKey: Micros;
  /** Place in the heap, or -1. */
  heapIndex: number;
}

/** Owners ordered by deadline: a binary heap in which an owner can be moved or taken out by itself. */
export class Deadlines<T extends Timed> {
  readonly #heap: T[] = [];

  get size(): number {
    return this.#heap.length;
  }

  earliest(): Micros {
    return this.#heap.length === 0 ? never : this.#heap[0]!.heapKey;
  }

  /** Puts `owner` in, moves it, or with `never` takes it out. */
  set(owner: T, deadline: Micros): void {
    const heap = this.#heap;
    if (deadline === never) {
      if (owner.heapIndex >= 0) this.#remove(owner);
      return;
    }
    owner.heapKey = deadline;
    if (owner.heapIndex < 0) {
      owner.heapIndex = heap.length;
      heap.push(owner);
    }
    this.#up(owner.heapIndex);
    this.#down(owner.heapIndex);
  }

  /** Takes out and returns an owner whose deadline is `now` or earlier. */
  popDue(now: Micros): T | null {
    const first = this.#heap[0];
    if (first === undefined || first.heapKey > now) return null;
    this.#remove(first);
    return first;
  }

  #remove(owner: T): void {
    const heap = this.#heap;
    const index = owner.heapIndex;
    const last = heap.pop()!;
    owner.heapIndex = -1;
    if (last === owner) return;
    heap[index] = last;
    last.heapIndex = index;
    this.#up(index);
    this.#down(last.heapIndex);
  }

  #up(index: number): void {
    const heap = this.#heap;
    const moving = heap[index]!;
    while (index > 0) {
      const parent = heap[(index - 1) >> 1]!;
      if (parent.heapKey <= moving.heapKey) break;
      heap[index] = parent;
      parent.heapIndex = index;
      index = (index - 1) >> 1;
    }
    heap[index] = moving;
    moving.heapIndex = index;
  }

  #down(index: number): void {
    const heap = this.#heap;
    const moving = heap[index]!;
    for (;;) {
      let child = index * 2 + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && heap[child + 1]!.heapKey < heap[child]!.heapKey) child++;
      const below = heap[child]!;
      if (below.heapKey >= moving.heapKey) break;
      heap[index] = below;
      below.heapIndex = index;
      index = child;
    }
    heap[index] = moving;
    moving.heapIndex = index;
  }
}
