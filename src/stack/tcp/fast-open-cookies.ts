import type { Address } from '../base/address.ts';
import { SecretKey, sipHash } from '../base/hash.ts';
import type { Random } from '../base/random.ts';

/** Servers whose cookies are kept. */
const mostPeers = 1024;

/** The cookies that a host gives, and those that it has got. */
export class FastOpenCookies {
  readonly #low: SecretKey;
  readonly #high: SecretKey;
  /** By server, the one used last at the end. Whom we connect to is our own user's choice. */
  readonly #known: Map<string, { readonly cookie: Uint8Array; readonly mss: number }> = new Map();

  constructor(random: Random) {
    this.#low = new SecretKey(random);
    this.#high = new SecretKey(random);
  }

  /** Section 4.1.2: a function of the client's address and a secret. */
  give(remote: Address): Uint8Array {
    const words = [remote.w0, remote.w1, remote.w2, remote.w3];
    const cookie = new DataView(new ArrayBuffer(8));
    cookie.setUint32(0, sipHash(this.#low, words));
    cookie.setUint32(4, sipHash(this.#high, words));
    return new Uint8Array(cookie.buffer);
  }

  isOurs(remote: Address, cookie: Uint8Array): boolean {
    return cookie.length === 8 && this.give(remote).every((octet, index) => octet === cookie[index]);
  }

  remember(remote: Address, cookie: Uint8Array, mss: number): void {
    const key = String(remote);
    this.#known.delete(key);
    this.#known.set(key, { cookie, mss });
    if (this.#known.size > mostPeers) this.#known.delete(this.#known.keys().next().value!);
  }

  recall(remote: Address): { readonly cookie: Uint8Array; readonly mss: number } | null {
    return this.#known.get(String(remote)) ?? null;
  }
}
