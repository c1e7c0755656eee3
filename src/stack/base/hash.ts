import type { Address } from './address.ts';
import type { Random } from './random.ts';

/**
 * Keyed hashes. Who does not know the key cannot choose inputs that collide or foretell the output.
 *
 * HalfSipHash-2-4 (32-bit words) serves the tables: it is quick in a language of 32-bit integers. SipHash-2-4 (64-bit
 * words, here as pairs of halves) serves what a stranger may see and must not foretell: initial sequence numbers.
 */

const rotl = (x: number, n: number): number => (x << n) | (x >>> (32 - n));

/** A 64-bit key for tables. */
export class TableKey {
  readonly k0: number;
  readonly k1: number;

  constructor(random: Random) {
    this.k0 = random.uint32() | 0;
    this.k1 = random.uint32() | 0;
  }
}

let v0 = 0;
let v1 = 0;
let v2 = 0;
let v3 = 0;

function halfRound(): void {
  v0 = (v0 + v1) | 0;
  v1 = rotl(v1, 5) ^ v0;
  v0 = rotl(v0, 16);
  v2 = (v2 + v3) | 0;
  v3 = rotl(v3, 8) ^ v2;
  v0 = (v0 + v3) | 0;
  v3 = rotl(v3, 7) ^ v0;
  v2 = (v2 + v1) | 0;
  v1 = rotl(v1, 13) ^ v2;
  v2 = rotl(v2, 16);
}

function halfWord(word: number): void {
  v3 ^= word;
  halfRound();
  halfRound();
  v0 ^= word;
}

/** HalfSipHash-2-4 of a run of 32-bit words (least significant octet first, as the algorithm reads bytes). */
export function halfSipHash(key: TableKey, words: readonly number[]): number {
  v0 = key.k0;
  v1 = key.k1;
  v2 = 0x6c796765 ^ key.k0;
  v3 = 0x74656462 ^ key.k1;
  for (const word of words) halfWord(word);
  return finishHalf(words.length * 4) >>> 0;
}

function finishHalf(length: number): number {
  halfWord(length << 24);
  v2 ^= 0xff;
  halfRound();
  halfRound();
  halfRound();
  halfRound();
  return v1 ^ v3;
}

/** The hash of a connection's two addresses and two ports, a signed number, without building anything (`npm run bench -- core`). */
export function hashTuple(
  key: TableKey,
  local: Address,
  localPort: number,
  remote: Address,
  remotePort: number,
): number {
  v0 = key.k0;
  v1 = key.k1;
  v2 = 0x6c796765 ^ key.k0;
  v3 = 0x74656462 ^ key.k1;
  halfWord((localPort << 16) | remotePort);
  halfWord(local.w3);
  halfWord(remote.w3);
  if (!remote.isV4) {
    halfWord(local.w0);
    halfWord(local.w1);
    halfWord(local.w2);
    halfWord(remote.w0);
    halfWord(remote.w1);
    halfWord(remote.w2);
    return finishHalf(36);
  }
  return finishHalf(12);
}

/** A 128-bit key for SipHash. */
export class SecretKey {
  readonly words: Uint32Array;

  constructor(random: Random) {
    this.words = Uint32Array.from([random.uint32(), random.uint32(), random.uint32(), random.uint32()]);
  }
}

/** The four 64-bit variables of SipHash as low and high halves: v[2i] and v[2i + 1]. */
const v = new Int32Array(8);

function add64(a: number, b: number): void {
  const low = (v[a]! >>> 0) + (v[b]! >>> 0);
  v[a + 1] = v[a + 1]! + v[b + 1]! + (low > 0xffffffff ? 1 : 0);
  v[a] = low;
}

function rotlXor64(a: number, n: number, b: number): void {
  const low = n >= 32 ? v[a + 1]! : v[a]!;
  const high = n >= 32 ? v[a]! : v[a + 1]!;
  const by = n & 31;
  v[a] = (by === 0 ? low : (low << by) | (high >>> (32 - by))) ^ (b < 0 ? 0 : v[b]!);
  v[a + 1] = (by === 0 ? high : (high << by) | (low >>> (32 - by))) ^ (b < 0 ? 0 : v[b + 1]!);
}

function sipRound(): void {
  add64(0, 2);
  rotlXor64(2, 13, 0);
  rotlXor64(0, 32, -1);
  add64(4, 6);
  rotlXor64(6, 16, 4);
  add64(0, 6);
  rotlXor64(6, 21, 0);
  add64(4, 2);
  rotlXor64(2, 17, 4);
  rotlXor64(4, 32, -1);
}

function sipWord(low: number, high: number): void {
  v[6] = v[6]! ^ low;
  v[7] = v[7]! ^ high;
  sipRound();
  sipRound();
  v[0] = v[0]! ^ low;
  v[1] = v[1]! ^ high;
}

/** The lower 32 bits of SipHash-2-4 over bytes given as 32-bit little-endian words and a rest of 0 to 3 octets. */
export function sipHash(key: SecretKey, words: readonly number[], rest = 0, restLength = 0): number {
  const k = key.words;
  v[0] = k[0]! ^ 0x70736575;
  v[1] = k[1]! ^ 0x736f6d65;
  v[2] = k[2]! ^ 0x6e646f6d;
  v[3] = k[3]! ^ 0x646f7261;
  v[4] = k[0]! ^ 0x6e657261;
  v[5] = k[1]! ^ 0x6c796765;
  v[6] = k[2]! ^ 0x79746573;
  v[7] = k[3]! ^ 0x74656462;
  const length = words.length * 4 + restLength;
  const even = words.length & ~1;
  for (let index = 0; index < even; index += 2) sipWord(words[index]!, words[index + 1]!);
  const high = (length << 24) | (even < words.length ? rest : 0);
  sipWord(even < words.length ? words[even]! : rest, high);
  v[4] = v[4]! ^ 0xff;
  sipRound();
  sipRound();
  sipRound();
  sipRound();
  return (v[0]! ^ v[2]! ^ v[4]! ^ v[6]!) >>> 0;
}

/** SipHash over a connection's addresses and ports. */
export function secretHashTuple(
  key: SecretKey,
  local: Address,
  localPort: number,
  remote: Address,
  remotePort: number,
): number {
  return sipHash(key, [
    local.w0,
    local.w1,
    local.w2,
    local.w3,
    remote.w0,
    remote.w1,
    remote.w2,
    remote.w3,
    ((localPort << 16) | remotePort) >>> 0,
  ]);
}
