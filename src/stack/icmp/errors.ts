import type { Address } from '../base/address.ts';
import { getUint8, setUint8, setUint16, setUint32 } from '../base/bytes.ts';
import { checksum, finishChecksum, pseudoHeaderSum, sumBytes } from '../base/checksum.ts';
import type { Random } from '../base/random.ts';
import { type Micros, seconds } from '../base/time.ts';
import { type Datagram, protocolIcmp, protocolIcmpv6 } from '../wire/datagram.ts';
import { icmpHeaderLength, isIcmpError } from '../wire/icmpv4.ts';
import { isIcmpv6Error, redirect6 } from '../wire/icmpv6.ts';
import { findUpperLayer, ipv6HeaderLength, ipv6LeastMtu } from '../wire/ipv6.ts';

/**
 * Which ICMP errors may be sent, and how often (RFC 1122 section 3.2.2, RFC 1812 section 4.3.2.8, RFC 4443 section 2.4).
 */

/** The whole error stays within 576 octets over IPv4 (RFC 1812 section 4.3.2.3) and 1280 over IPv6 (RFC 4443 section 3.1). */
const quoteLimitV4 = 576 - 20 - icmpHeaderLength;
const quoteLimitV6 = ipv6LeastMtu - ipv6HeaderLength - icmpHeaderLength;

/**
 * Never about an ICMP error, nor about what was sent to many (but for two cases of IPv6), nor about a later piece.
 * That the source is one host's address has been seen to when the packet was accepted.
 */
export function mayReportError(about: Datagram, evenToMany: boolean): boolean {
  if (about.toMany && !evenToMany) return false;
  if (about.source.isV4) {
    if (about.isFragment && about.fragmentOffset !== 0) return false;
    if (about.protocol !== protocolIcmp) return true;
    return about.payloadStart < about.payloadEnd && !isIcmpError(getUint8(about.bytes, about.payloadStart));
  }
  const { bytes, payloadEnd } = about;
  if (about.source.isUnspecified) return false;
  const upper = findUpperLayer(bytes, getUint8(bytes, 6), ipv6HeaderLength, payloadEnd);
  if (upper === null || upper.protocol !== protocolIcmpv6) return true;
  if (upper.at >= payloadEnd) return about.isFragment; // RFC 7112: a first piece without it is to be told
  const type = getUint8(bytes, upper.at);
  return !isIcmpv6Error(type) && type !== redirect6;
}

/** The ICMP message that reports `type` and `code` about a datagram; `parameter` is the second word of its header. */
export function makeError(
  type: number,
  code: number,
  parameter: number,
  about: Datagram,
  source: Address,
  destination: Address,
): Uint8Array {
  const quoted = Math.min(about.payloadEnd, about.source.isV4 ? quoteLimitV4 : quoteLimitV6);
  const message = new Uint8Array(icmpHeaderLength + quoted);
  setUint8(message, 0, type);
  setUint8(message, 1, code);
  setUint32(message, 4, parameter >>> 0);
  message.set(about.bytes.subarray(0, quoted), icmpHeaderLength);
  fillChecksum(message, source, destination);
  return message;
}

/** ICMPv6's checksum covers the pseudo-header (RFC 4443 section 2.3), ICMPv4's does not. */
export function fillChecksum(message: Uint8Array, source: Address, destination: Address): void {
  setUint16(message, 2, 0);
  if (destination.isV4) setUint16(message, 2, checksum(message, 0, message.length));
  else {
    const sum = pseudoHeaderSum(source, destination, protocolIcmpv6, message.length);
    setUint16(message, 2, finishChecksum(sumBytes(message, 0, message.length, sum)));
  }
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
