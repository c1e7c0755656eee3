import { type Address, bindingCovers, sameAddress } from '../base/address.ts';
import { hashTuple, TableKey } from '../base/hash.ts';
import { anyInterface } from '../base/path.ts';
import type { Random } from '../base/random.ts';
import type { Datagram } from '../wire/datagram.ts';
import type { Segment } from '../wire/tcp.ts';
import type { Listener } from './listener.ts';
import type { Tcb } from './tcb.ts';

/**
 * Which connection does a segment belong to? The four-tuple first, then a listener (RFC 9293 section 3.10.7).
 *
 * Connections live in a table of our own keyed by HalfSipHash. A `Map` keyed by numbers that a peer chooses would let
 * it make every look-up linear.
 */
export class Demux {
  readonly #key: TableKey;
  #buckets: (Tcb | null)[] = new Array<Tcb | null>(64).fill(null);
  #size = 0;
  /** Listeners by port. The keys are ports of ours, chosen by our own user. */
  readonly #listeners: Map<number, Listener[]> = new Map();

  constructor(random: Random) {
    this.#key = new TableKey(random);
  }

  get size(): number {
    return this.#size;
  }

  add(tcb: Tcb): void {
    if (this.#size >= this.#buckets.length) this.#grow();
    tcb.hash = hashTuple(this.#key, tcb.local, tcb.localPort, tcb.remote, tcb.remotePort);
    const bucket = tcb.hash & (this.#buckets.length - 1);
    tcb.nextInBucket = this.#buckets[bucket]!;
    this.#buckets[bucket] = tcb;
    this.#size++;
  }

  remove(tcb: Tcb): void {
    const bucket = tcb.hash & (this.#buckets.length - 1);
    let previous: Tcb | null = null;
    for (let at: Tcb | null = this.#buckets[bucket]!; at !== null; at = at.nextInBucket) {
      if (at !== tcb) {
        previous = at;
        continue;
      }
      if (previous === null) this.#buckets[bucket] = tcb.nextInBucket;
      else previous.nextInBucket = tcb.nextInBucket;
      tcb.nextInBucket = null;
      this.#size--;
      return;
    }
  }

  find(local: Address, localPort: number, remote: Address, remotePort: number): Tcb | null {
    const hash = hashTuple(this.#key, local, localPort, remote, remotePort);
    const first = this.#buckets[hash & (this.#buckets.length - 1)]!;
    for (let tcb: Tcb | null = first; tcb !== null; tcb = tcb.nextInBucket) {
      if (
        tcb.localPort === localPort &&
        tcb.remotePort === remotePort &&
        sameAddress(tcb.remote, remote) &&
        sameAddress(tcb.local, local)
      ) {
        return tcb;
      }
    }
    return null;
  }

  /** Every connection there is. */
  *connections(): Generator<Tcb> {
    for (const first of this.#buckets) for (let tcb = first; tcb !== null; tcb = tcb.nextInBucket) yield tcb;
  }

  addListener(listener: Listener): void {
    const list = this.#listeners.get(listener.localPort);
    if (list === undefined) this.#listeners.set(listener.localPort, [listener]);
    else list.push(listener);
  }

  removeListener(listener: Listener): void {
    const list = this.#listeners.get(listener.localPort);
    const index = list?.indexOf(listener) ?? -1;
    if (index < 0) return;
    list!.splice(index, 1);
    if (list!.length === 0) this.#listeners.delete(listener.localPort);
  }

  /**
   * The listener for a segment: one bound to that very address before one bound to any. Of a group that shares the port
   * (SO_REUSEPORT), always the same one for a four-tuple, as long as the group does not change.
   */
  findListener(
    { destination, source, interfaceIndex }: Datagram,
    { destinationPort, sourcePort }: Segment,
  ): Listener | null {
    const list = this.#listeners.get(destinationPort);
    if (list === undefined) return null;
    let best = 0;
    let count = 0;
    let found: Listener | null = null;
    for (const listener of list) {
      const rank = rankOf(listener, destination, interfaceIndex);
      if (rank === 0 || rank < best) continue;
      count = rank > best ? 1 : count + 1;
      if (rank > best) found = listener;
      best = rank;
    }
    if (count < 2) return found;
    const group = list.filter((listener) => rankOf(listener, destination, interfaceIndex) === best);
    return group[(hashTuple(this.#key, destination, destinationPort, source, sourcePort) >>> 0) % group.length]!;
  }

  *listeners(): Generator<Listener> {
    for (const list of this.#listeners.values()) yield* list;
  }

  #grow(): void {
    const old = this.#buckets;
    this.#buckets = new Array<Tcb | null>(old.length * 2).fill(null);
    for (const first of old) {
      for (let tcb = first; tcb !== null; ) {
        const next: Tcb | null = tcb.nextInBucket;
        const bucket = tcb.hash & (this.#buckets.length - 1);
        tcb.nextInBucket = this.#buckets[bucket]!;
        this.#buckets[bucket] = tcb;
        tcb = next;
      }
    }
  }
}

/** How well a listener fits an address and an interface: 0 not at all, 3 bound to the address, and 4 more to the interface. */
function rankOf(listener: Listener, local: Address, interfaceIndex: number): number {
  const { device } = listener.settings;
  if (!bindingCovers(listener.claim, local) || (device !== anyInterface && device !== interfaceIndex)) return 0;
  const bound = device === anyInterface ? 0 : 4;
  if (!listener.local.isUnspecified) return bound + 3;
  return bound + (listener.local.isV4 === local.isV4 ? 2 : 1);
}
