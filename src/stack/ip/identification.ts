import type { Address } from '../base/address.ts';
import { hashTuple, TableKey } from '../base/hash.ts';
import { type Random, randomBelow } from '../base/random.ts';

/**
 * Identifications of what may be cut into pieces. They must not repeat while pieces are about (RFC 6864 section 4.3), and
 * nobody must be able to foretell them or to count our packets by them (RFC 7739 section 5).
 */

const counterCount = 1024;
/** Counters advance by a random step, small enough that 16 bits go round after 16,000 datagrams to one destination. */
const mostStep = 4;

export class Identifications {
  readonly #key: TableKey;
  readonly #random: Random;
  readonly #counters: Uint32Array;

  constructor(random: Random) {
    this.#key = new TableKey(random);
    this.#random = random;
    this.#counters = Uint32Array.from({ length: counterCount }, () => random.uint32());
  }

  /** For IPv4: a counter for each pair of addresses and protocol, as far as the table goes. */
  next16(source: Address, destination: Address, protocol: number): number {
    const index = (hashTuple(this.#key, source, protocol, destination, 0) >>> 0) % counterCount;
    this.#counters[index] = this.#counters[index]! + 1 + randomBelow(this.#random, mostStep);
    return this.#counters[index]! & 0xffff;
  }

  /** For IPv6: 32 random bits, which do not repeat within a minute in practice (RFC 7739 section 5.3). */
  next32(): number {
    return this.#random.uint32();
  }
}
