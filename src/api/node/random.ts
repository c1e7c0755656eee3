import { getRandomValues } from 'node:crypto';
import type { Random } from '../../stack/index.ts';

/** Numbers that nobody can guess, for initial sequence numbers, ports and hash keys. */
export class CryptoRandom implements Random {
  readonly #pool: Uint32Array<ArrayBuffer> = new Uint32Array(poolWords);
  #used = poolWords;

  uint32(): number {
    if (this.#used === poolWords) {
      getRandomValues(this.#pool);
      this.#used = 0;
    }
    return this.#pool[this.#used++]!;
  }
}

/** One system call fetches so many words. */
const poolWords = 1024;
