import type { Tcb } from './tcb.ts';

/** Segments that one connection may send before the next has its turn. */
const turn = 16;

/**
 * Connections that may have something to send, one queue per interface. A connection joins when an event marks it and
 * leaves when asked for a segment it has none: input never calls output.
 */
export class OutputQueues {
  readonly #queues: OutputQueue[] = [];

  add(tcb: Tcb): void {
    if (tcb.isQueued) return;
    tcb.isQueued = true;
    this.of(tcb.path.interfaceIndex).push(tcb);
  }

  of(interfaceIndex: number): OutputQueue {
    while (this.#queues.length <= interfaceIndex) this.#queues.push(new OutputQueue());
    return this.#queues[interfaceIndex]!;
  }
}

/** An intrusive circular turn-taking list. */
export class OutputQueue {
  #first: Tcb | null = null;
  #last: Tcb | null = null;
  #taken = 0;

  get isEmpty(): boolean {
    return this.#first === null;
  }

  push(tcb: Tcb): void {
    tcb.nextQueued = null;
    if (this.#last === null) this.#first = tcb;
    else this.#last.nextQueued = tcb;
    this.#last = tcb;
  }

  /** Whose turn it is. After 16 segments the next one is asked. */
  head(): Tcb | null {
    if (this.#taken >= turn && this.#first !== null && this.#first !== this.#last) {
      const tcb = this.#first;
      this.#first = tcb.nextQueued;
      this.push(tcb);
      this.#taken = 0;
    }
    return this.#first;
  }

  sent(): void {
    this.#taken++;
  }

  /** The head has nothing more to send. */
  drop(): void {
    const tcb = this.#first;
    if (tcb === null) return;
    this.#first = tcb.nextQueued;
    if (this.#first === null) this.#last = null;
    tcb.nextQueued = null;
    tcb.isQueued = false;
    this.#taken = 0;
  }
}
