import type { Address } from '../base/address.ts';
import { SecretKey, secretHashTuple, sipHash } from '../base/hash.ts';
import type { Random } from '../base/random.ts';
import { type Seq, toSeq } from '../base/seq.ts';
import { type Micros, seconds } from '../base/time.ts';

/**
 * SYN cookies (RFC 4987 section 3.6): a listener without room for another half-open connection puts what it has to remember
 * into its sequence number, and forgets it. Whoever brings the number back has seen the SYN-ACK.
 *
 *     cookie = F(tuple) + SEG.SEQ + (minute << 24) + ((G(tuple, minute) + index) mod 2^24)
 *
 * `index` tells one of four MSS. Window scale, SACK and ECN have room only in the timestamp, where the peer echoes it: its
 * six lowest bits.
 */

const tick: Micros = seconds(60);
/** A cookie holds for this and the next minute. */
const lasts = 2;
const mostMss = [536, 1300, 1440, 1460] as const;
const mostMssV6 = [1220, 1420, 1440, 8940] as const;

/** What a cookie remembers of the options, besides the MSS. */
export interface RememberedOptions {
  /** Shift count, or -1. */
  readonly windowScale: number;
  readonly sackPermitted: boolean;
  readonly ecn: boolean;
}

export class SynCookies {
  readonly #first: SecretKey;
  readonly #second: SecretKey;

  constructor(random: Random) {
    this.#first = new SecretKey(random);
    this.#second = new SecretKey(random);
  }

  /** The initial sequence number that remembers a SYN: as much of its MSS as one of the four tells. */
  make(
    local: Address,
    localPort: number,
    remote: Address,
    remotePort: number,
    irs: Seq,
    mss: number,
    now: Micros,
  ): Seq {
    const tuple = secretHashTuple(this.#first, local, localPort, remote, remotePort);
    const minute = Math.floor(now / tick) >>> 0;
    const larger = (remote.isV4 ? mostMss : mostMssV6).findIndex((size) => size > mss);
    const index = larger < 0 ? mostMss.length - 1 : Math.max(0, larger - 1);
    const data = (this.#mask(tuple, minute) + index) & 0xffffff;
    return toSeq(tuple + irs + ((minute & 0xff) * 0x1000000 + data));
  }

  /** The MSS that a cookie remembers, or 0 when it is none of ours, or too old. */
  check(
    local: Address,
    localPort: number,
    remote: Address,
    remotePort: number,
    irs: Seq,
    cookie: Seq,
    now: Micros,
  ): number {
    const tuple = secretHashTuple(this.#first, local, localPort, remote, remotePort);
    const minute = Math.floor(now / tick) >>> 0;
    const rest = (cookie - tuple - irs) >>> 0;
    const age = ((minute & 0xff) - (rest >>> 24)) & 0xff;
    if (age >= lasts) return 0;
    const index = (rest - this.#mask(tuple, minute - age)) & 0xffffff;
    return (remote.isV4 ? mostMss : mostMssV6)[index] ?? 0;
  }

  #mask(tuple: number, minute: number): number {
    return sipHash(this.#second, [tuple, minute >>> 0]) & 0xffffff;
  }
}

/** A timestamp not later than `tsVal` whose six lowest bits remember the options. */
export function rememberInTimestamp(tsVal: number, { windowScale, sackPermitted, ecn }: RememberedOptions): number {
  const bits = (windowScale < 0 ? 0xf : windowScale) | (sackPermitted ? 0x10 : 0) | (ecn ? 0x20 : 0);
  const at = ((tsVal & ~0x3f) | bits) >>> 0;
  return at > tsVal ? (at - 0x40) >>> 0 : at;
}

/** What the echo of such a timestamp brings back. */
export function recallFromTimestamp(tsEcr: number): RememberedOptions {
  const shift = tsEcr & 0xf;
  return {
    windowScale: shift === 0xf ? -1 : Math.min(shift, 14),
    sackPermitted: (tsEcr & 0x10) !== 0,
    ecn: (tsEcr & 0x20) !== 0,
  };
}
