import { type Micros, never } from '../stack/base/time.ts';
import type { Cancel } from '../stack/runner.ts';

interface Event {
  readonly at: Micros;
  /** Events of the same time happen in the order in which they were arranged. */
  readonly serial: number;
  action: (() => void) | null;
}

/** Virtual time: it stands still until somebody moves it to the next event. */
export class Clock {
  now: Micros = 0;
  #serial = 0;
  readonly #heap: Event[] = [];

  /** Arranges `action` for `when`, or for now if that has passed. */
  at(when: Micros, action: () => void): Cancel {
    const event: Event = { at: Math.max(when, this.now), serial: this.#serial++, action };
    this.#push(event);
    return () => {
      event.action = null;
    };
  }

  /**
   * The place of an event among those of the same time, to be arranged later: whoever has many that come one after the other need
   * arrange only the next (`npm run bench -- sim`).
   */
  place(): number {
    return this.#serial++;
  }

  /** Arranges `action` for `when` at a place that was taken before. Nothing takes it back. */
  atPlace(when: Micros, place: number, action: () => void): void {
    this.#push({ at: Math.max(when, this.now), serial: place, action });
  }

  /** When the next event is; `never` when none is arranged. */
  next(): Micros {
    while (this.#heap.length > 0 && this.#heap[0]!.action === null) this.#pop();
    return this.#heap.length === 0 ? never : this.#heap[0]!.at;
  }

  /** Does the next event that is due by now. Returns false when there is none. */
  runDue(): boolean {
    if (this.next() > this.now) return false;
    this.#pop().action!();
    return true;
  }

  #isBefore(a: Event, b: Event): boolean {
    return a.at < b.at || (a.at === b.at && a.serial < b.serial);
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let index = heap.length;
    heap.push(event);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.#isBefore(event, heap[parent]!)) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = event;
  }

  #pop(): Event {
    const heap = this.#heap;
    const first = heap[0]!;
    const moving = heap.pop()!;
    if (heap.length === 0) return first;
    let index = 0;
    for (;;) {
      let child = index * 2 + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && this.#isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!this.#isBefore(heap[child]!, moving)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = moving;
    return first;
  }
}
