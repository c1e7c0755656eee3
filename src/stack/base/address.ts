/**
 * IP addresses of both families as one shape: four 32-bit words.
 *
 * An IPv4 address is kept as its IPv4-mapped IPv6 form ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2), so tables, hashes and
 * comparisons have no second case. Mapped addresses never appear on the wire (`ip/input.ts` drops them), so nothing is
 * ambiguous.
 */
export class Address {
  w0: number;
  w1: number;
  w2: number;
  w3: number;
  /** The interface that a link-local address belongs to (RFC 4007), by its index; 0 for all other addresses. */
  zone: number;

  constructor(w0 = 0, w1 = 0, w2 = 0, w3 = 0, zone = 0) {
    this.w0 = w0;
    this.w1 = w1;
    this.w2 = w2;
    this.w3 = w3;
    this.zone = zone;
  }

  get isV4(): boolean {
    return this.w2 === 0xffff && this.w1 === 0 && this.w0 === 0;
  }

  /** True for 0.0.0.0 and for ::. */
  get isUnspecified(): boolean {
    return this.w3 === 0 && this.w1 === 0 && this.w0 === 0 && (this.w2 === 0 || this.w2 === 0xffff);
  }

  copyFrom(from: Address): void {
    this.w0 = from.w0;
    this.w1 = from.w1;
    this.w2 = from.w2;
    this.w3 = from.w3;
    this.zone = from.zone;
  }

  toString(): string {
    return formatAddress(this);
  }
}

export type Family = 4 | 6;

export const familyOf = (address: Address): Family => (address.isV4 ? 4 : 6);

/** An IPv4 address from its 32 bits. */
export const ipv4 = (bits: number): Address => new Address(0, 0, 0xffff, bits >>> 0);

/** An address from its 4 or 16 octets, as DNS has them. IPv4 in IPv6's clothes stays what it is: IPv4. */
export function addressFrom(octets: Uint8Array): Address {
  const word = (at: number): number =>
    ((octets[at]! << 24) | (octets[at + 1]! << 16) | (octets[at + 2]! << 8) | octets[at + 3]!) >>> 0;
  return octets.length === 4 ? ipv4(word(0)) : new Address(word(0), word(4), word(8), word(12));
}

export const anyV4: Address = ipv4(0);
export const anyV6: Address = new Address();
export const loopbackV4: Address = ipv4(0x7f000001);
export const loopbackV6: Address = new Address(0, 0, 0, 1);
export const broadcastV4: Address = ipv4(0xffffffff);

export const sameAddress = (a: Address, b: Address): boolean =>
  a.w3 === b.w3 && a.w2 === b.w2 && a.w1 === b.w1 && a.w0 === b.w0 && a.zone === b.zone;

export const copyAddress = (a: Address): Address => new Address(a.w0, a.w1, a.w2, a.w3, a.zone);

/** The same address on the interface `zone`, if it is one that belongs to an interface. */
export const inZone = (a: Address, zone: number): Address =>
  isLinkLocal(a) ? new Address(a.w0, a.w1, a.w2, a.w3, zone) : a;

/** True for 127.0.0.0/8 and ::1. */
export const isLoopback = (a: Address): boolean =>
  a.isV4 ? a.w3 >>> 24 === 127 : a.w3 === 1 && a.w2 === 0 && a.w1 === 0 && a.w0 === 0;

/** True for fe80::/10, and for ff02::/16 and ff01::/16: what means something on one link only. IPv4 has no zones. */
export const isLinkLocal = (a: Address): boolean => {
  const top = a.w0 >>> 16;
  return (top & 0xffc0) === 0xfe80 || (top & 0xff0f) === 0xff02 || (top & 0xff0f) === 0xff01;
};

/** True for 224.0.0.0/4 and ff00::/8. */
export const isMulticast = (a: Address): boolean => (a.isV4 ? a.w3 >>> 28 === 14 : a.w0 >>> 24 === 0xff);

/** True for 240.0.0.0/4 without the limited broadcast address: reserved, never a source (RFC 1122 section 3.2.1.3). */
export const isReservedV4 = (a: Address): boolean => a.isV4 && a.w3 >>> 28 === 15 && a.w3 !== 0xffffffff;

/** An address with the length of its network prefix, in bits of its own family: 0 to 32 or 0 to 128. */
export interface Prefix {
  readonly address: Address;
  readonly bits: number;
}

/** The mask of the first `bits` bits of a word; `bits` may be negative or above 32. */
const wordMask = (bits: number): number => (bits <= 0 ? 0 : bits >= 32 ? 0xffffffff : (-1 << (32 - bits)) >>> 0);

/** True when `address` lies in `prefix`. Addresses of different families never match. */
export function inPrefix(address: Address, prefix: Prefix): boolean {
  const net = prefix.address;
  if (address.isV4 !== net.isV4) return false;
  if (net.isV4) return ((address.w3 ^ net.w3) & wordMask(prefix.bits)) === 0;
  return (
    ((address.w0 ^ net.w0) & wordMask(prefix.bits)) === 0 &&
    ((address.w1 ^ net.w1) & wordMask(prefix.bits - 32)) === 0 &&
    ((address.w2 ^ net.w2) & wordMask(prefix.bits - 64)) === 0 &&
    ((address.w3 ^ net.w3) & wordMask(prefix.bits - 96)) === 0
  );
}

/** True for the address of all hosts of an IPv4 network of our own (RFC 919); /31 and /32 have none (RFC 3021). */
export const isDirectedBroadcast = (address: Address, own: Prefix): boolean =>
  own.bits < 31 && own.address.isV4 && address.isV4 && address.w3 === (own.address.w3 | ~wordMask(own.bits)) >>> 0;

/** The text of an address: dotted decimal, or RFC 5952's canonical form for IPv6. */
export function formatAddress(a: Address): string {
  if (a.isV4) return `${a.w3 >>> 24}.${(a.w3 >>> 16) & 255}.${(a.w3 >>> 8) & 255}.${a.w3 & 255}`;
  const groups: number[] = [];
  for (const word of [a.w0, a.w1, a.w2, a.w3]) groups.push(word >>> 16, word & 0xffff);
  let bestStart = -1;
  let bestLength = 1; // RFC 5952 section 4.2.2: a single zero group is not shortened
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (start + length < 8 && groups[start + length] === 0) length++;
    if (length > bestLength) {
      bestStart = start;
      bestLength = length;
    }
  }
  const text = (from: number, to: number) =>
    groups
      .slice(from, to)
      .map((g) => g.toString(16))
      .join(':');
  if (bestStart < 0) return text(0, 8);
  return `${text(0, bestStart)}::${text(bestStart + bestLength, 8)}`;
}

/**
 * Reads an address in its strict text form: four decimal numbers without leading zeros, or RFC 4291 section 2.2 text.
 * @returns null for anything else
 */
export function parseAddress(text: string): Address | null {
  if (text.length > 45) return null; // the longest form there is
  return text.includes(':') ? parseV6(text) : parseV4(text);
}

function parseV4Bits(text: string): number | null {
  const parts = text.split('.');
  if (parts.length !== 4) return null;
  let bits = 0;
  for (const part of parts) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return null;
    bits = bits * 256 + Number(part);
  }
  return bits;
}

function parseV4(text: string): Address | null {
  const bits = parseV4Bits(text);
  return bits === null ? null : ipv4(bits);
}

function parseV6(text: string): Address | null {
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const head = parseGroups(halves[0]!, halves.length === 1);
  const tail = halves.length === 2 ? parseGroups(halves[1]!, true) : [];
  if (head === null || tail === null) return null;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return null;
  const groups = [...head, ...new Array<number>(missing).fill(0), ...tail];
  const word = (at: number) => ((groups[at]! << 16) | groups[at + 1]!) >>> 0;
  return new Address(word(0), word(2), word(4), word(6));
}

/** The 16-bit groups of one side of '::'; dotted decimal may stand at the very end. */
function parseGroups(text: string, mayEndInV4: boolean): number[] | null {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      groups.push(Number.parseInt(part, 16));
      continue;
    }
    const bits = mayEndInV4 && index === parts.length - 1 ? parseV4Bits(part) : null;
    if (bits === null) return null;
    groups.push(bits >>> 16, bits & 0xffff);
  }
  return groups;
}

/** A local address that a socket is bound to. An unspecified IPv6 address stands for IPv4 as well, unless `v6Only`. */
export interface Binding {
  readonly address: Address;
  readonly v6Only: boolean;
}

/** Is a packet for `local` one for a socket with this binding? */
export function bindingCovers({ address, v6Only }: Binding, local: Address): boolean {
  if (!address.isUnspecified) return sameAddress(address, local);
  return address.isV4 === local.isV4 || (!address.isV4 && !v6Only);
}

/** Is there an address that both bindings are for? */
export const bindingsOverlap = (a: Binding, b: Binding): boolean =>
  a.address.isUnspecified ? bindingCovers(a, b.address) || bindingCovers(b, a.address) : bindingCovers(b, a.address);

/** Reads 'address/bits'. Without '/bits' the prefix is the single address. */
export function parsePrefix(text: string): Prefix | null {
  const [host, length, ...rest] = text.split('/');
  const address = parseAddress(host ?? '');
  if (address === null || rest.length > 0) return null;
  const most = address.isV4 ? 32 : 128;
  if (length === undefined) return { address, bits: most };
  if (!/^\d{1,3}$/.test(length) || Number(length) > most) return null;
  return { address, bits: Number(length) };
}

export const formatPrefix = (prefix: Prefix): string => `${formatAddress(prefix.address)}/${prefix.bits}`;
