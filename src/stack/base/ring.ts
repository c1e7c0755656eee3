import { copyBytes, empty } from './bytes.ts';
import { Pool } from './pool.ts';

/**
 * A queue of octets in one circular buffer that grows by doubling, up to what its user writes into it.
 *
 * Octets are counted from the front: offset 0 is the next one to be released. `write` may place octets beyond the end
 * (out-of-order text waits there); they belong to the queue once `commit` has moved the end over them.
 */
export class Ring {
  #bytes = empty;
  #start = 0;
  #length = 0;
  /** As many octets as were needed last. */
  #usual = leastCapacity;

  /** Octets in the queue. */
  get length(): number {
    return this.#length;
  }

  /** Octets of memory held. */
  get capacity(): number {
    return this.#bytes.length;
  }

  /** Places source[start, end) at `offset` from the front without moving the end. */
  write(offset: number, source: Uint8Array, start: number, end: number): void {
    const count = end - start;
    this.#reserve(offset + count);
    const at = (this.#start + offset) & (this.#bytes.length - 1);
    const straight = Math.min(count, this.#bytes.length - at);
    copyBytes(source, start, start + straight, this.#bytes, at);
    if (straight < count) copyBytes(source, start + straight, end, this.#bytes, 0);
  }

  /** Moves the end over `count` octets that `write` has placed there. */
  commit(count: number): void {
    this.#length += count;
  }

  append(source: Uint8Array, start: number, end: number): void {
    this.write(this.#length, source, start, end);
    this.#length += end - start;
  }

  /** Copies `count` octets from `offset` on to `into` at `at`; they stay in the queue. */
  copyOut(offset: number, count: number, into: Uint8Array, at: number): void {
    const from = (this.#start + offset) & (this.#bytes.length - 1);
    const straight = Math.min(count, this.#bytes.length - from);
    copyBytes(this.#bytes, from, from + straight, into, at);
    if (straight < count) copyBytes(this.#bytes, 0, count - straight, into, at + straight);
  }

  /** Drops `count` octets from the front. */
  release(count: number): void {
    this.#length -= count;
    this.#start = (this.#start + count) & (this.#bytes.length - 1);
  }

  /** Empties the queue and gives the memory back. */
  clear(): void {
    if (this.#bytes.length > 0) pool.give(this.#bytes, this.#bytes.length);
    this.#bytes = empty;
    this.#start = 0;
    this.#length = 0;
  }

  #reserve(needed: number): void {
    if (needed <= this.#bytes.length) return;
    let capacity = Math.max(this.#usual, this.#bytes.length);
    while (capacity < needed) capacity *= 2;
    const grown = pool.take(capacity);
    const held = this.#bytes.length; // octets beyond the end may be out-of-order text: all of it moves
    if (held > 0) {
      this.copyOut(0, held, grown, 0);
      pool.give(this.#bytes, held);
    }
    this.#bytes = grown;
    this.#usual = capacity;
    this.#start = 0;
  }
}

const leastCapacity = 4096;
/** An idle connection holds no buffers (`npm run bench -- memory`); so much is kept for those that need some again. */
const pool: Pool<Uint8Array> = new Pool(1 << 24, (size) => new Uint8Array(size));
