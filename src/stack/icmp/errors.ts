import { getUint8, setUint8, setUint16, setUint32 } from '../base/bytes.ts';
import { checksum } from '../base/checksum.ts';
import type { Random } from '../base/random.ts';
import { type Micros, seconds } from '../base/time.ts';
import { type Datagram, protocolIcmp } from '../wire/datagram.ts';
import { icmpHeaderLength, isIcmpError } from '../wire/icmpv4.ts';

/**
 * Which ICMP errors may be sent, and how often (RFC 1122 section 3.2.2, RFC 1812 section 4.3.2.8).
 */

/** The whole error stays within 576 octets, header included (RFC 1812 section 4.3.2.3). */
const quoteLimit = 576 - 20 - icmpHeaderLength;

/** RFC 1122 section 3.2.2: never about an ICMP error, nor about anything sent to many. */
export function mayReportError(about: Datagram): boolean {
  if (about.toMany) return false;
  if (about.protocol !== protocolIcmp) return true;
  return about.payloadStart < about.payloadEnd && !isIcmpError(getUint8(about.bytes, about.payloadStart));
}

/** The ICMP message that reports `type` and `code` about a datagram; `parameter` is the second word of its header. */
export function makeError(type: number, code: number, parameter: number, about: Datagram): Uint8Array {
  const quoted = Math.min(about.payloadEnd, quoteLimit);
  const message = new Uint8Array(icmpHeaderLength + quoted);
  setUint8(message, 0, type);
  setUint8(message, 1, code);
  setUint32(message, 4, parameter);
  message.set(about.bytes.subarray(0, quoted), icmpHeaderLength);
  setUint16(message, 2, checksum(message, 0, message.length));
  return message;
}

/** A token bucket. Each spent token is one message. */
export class RateLimit {
  readonly #perSecond: number;
  readonly #burst: number;
  readonly #random: Random;
  #tokens: number;
  #at: Micros = 0;

  constructor(perSecond: number, burst: number, random: Random) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#random = random;
    this.#tokens = burst;
  }

  /** Takes a token if there is one. Once in eight times two are taken, so that nobody can count by them (RFC 6056's kin). */
  take(now: Micros): boolean {
    const grown = this.#tokens + ((now - this.#at) / seconds(1)) * this.#perSecond;
    this.#tokens = Math.min(this.#burst, grown);
    this.#at = now;
    if (this.#tokens < 1) return false;
    this.#tokens -= (this.#random.uint32() & 7) === 0 ? Math.min(2, this.#tokens) : 1;
    return true;
  }
}
