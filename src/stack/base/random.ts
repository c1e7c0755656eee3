/** Where a stack takes its unpredictable numbers from. In Node a source seeded by the operating system, in a simulation a seed. */
export interface Random {
  /** A whole number, 0 to 2^32 - 1, all equally likely. */
  uint32(): number;
}

/** A number from 0 (included) to 1 (excluded). */
export const randomFraction = (random: Random): number => random.uint32() / 0x1_0000_0000;

/** A whole number from 0 to `limit` - 1. The bias of the multiplication is below `limit` / 2^32. */
export const randomBelow = (random: Random, limit: number): number => Math.floor(randomFraction(random) * limit);

/**
 * Repeatable randomness for simulations: the same seed gives the same numbers on every machine.
 *
 * The generator is sfc32 (a chaotic 128-bit counter generator), which passes the usual statistical batteries.
 * It is no cipher: who sees some outputs can work out the rest.
 */
export class SeededRandom implements Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number) {
    this.#a = seed >>> 0;
    this.#b = Math.floor(seed / 0x1_0000_0000) >>> 0;
    this.#c = 0x7475_6e64;
    for (let round = 0; round < 12; round++) this.uint32();
  }

  uint32(): number {
    const result = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + result) | 0;
    return result >>> 0;
  }
}
