import { type Address, copyAddress, sameAddress } from '../base/address.ts';
import { hashTuple, TableKey } from '../base/hash.ts';
import type { Random } from '../base/random.ts';
import { type Micros, seconds } from '../base/time.ts';

/**
 * What routers have said about the largest packet to a destination (RFC 1191, RFC 8201). Entries age, because a way may
 * become wider again, and are few, because a stranger can make us learn: the oldest of a full bucket goes.
 */

/** RFC 1191 section 6.3, RFC 8201 section 5.3: not before five minutes; Linux takes ten. */
const lifetime: Micros = seconds(600);
const bucketCount = 64;
const bucketSize = 16;

interface Entry {
  readonly destination: Address;
  mtu: number;
  expires: Micros;
}

export class PathMtus {
  readonly #key: TableKey;
  readonly #buckets: Entry[][] = Array.from({ length: bucketCount }, () => []);

  constructor(random: Random) {
    this.#key = new TableKey(random);
  }

  /** The MTU learnt for this destination, or `otherwise` when nothing is known or what is known is not less. */
  find(destination: Address, otherwise: number, now: Micros): number {
    for (const entry of this.#bucket(destination)) {
      if (sameAddress(entry.destination, destination)) {
        return entry.expires > now ? Math.min(entry.mtu, otherwise) : otherwise;
      }
    }
    return otherwise;
  }

  /** A router has said so, and has quoted something that we sent. */
  learn(destination: Address, mtu: number, now: Micros): void {
    const bucket = this.#bucket(destination);
    const known = bucket.findIndex((entry) => sameAddress(entry.destination, destination));
    if (known >= 0 && bucket[known]!.expires > now && bucket[known]!.mtu <= mtu) return; // an error never widens the way
    if (known >= 0) bucket.splice(known, 1);
    else if (bucket.length === bucketSize) bucket.shift();
    bucket.push({ destination: copyAddress(destination), mtu, expires: now + lifetime });
  }

  #bucket(destination: Address): Entry[] {
    return this.#buckets[(hashTuple(this.#key, destination, 0, destination, 0) >>> 0) % bucketCount]!;
  }
}
