import {
  type Address,
  inPrefix,
  isLinkLocal,
  isLoopback,
  isMulticast,
  type Prefix,
  parsePrefix,
  sameAddress,
} from '../base/address.ts';
import type { Interface } from './interface.ts';

/**
 * The choice of a source address (RFC 6724 section 5). Of its rules there apply here: the same address, the smaller
 * fitting scope, the outgoing interface, the same label, and the longest common prefix.
 */

/** Section 3.1, with the numbers of RFC 4291 section 2.7. */
export function scopeOf(address: Address): number {
  if (!address.isV4 && isMulticast(address)) return (address.w0 >>> 16) & 15;
  if (isLoopback(address) || isLinkLocal(address) || (address.isV4 && address.w3 >>> 16 === 0xa9fe)) return 2;
  return address.w0 >>> 22 === 0x3fb ? 5 : 14; // fec0::/10, site-local
}

/** What the policy table says of an address. */
interface Policy {
  readonly precedence: number;
  readonly label: number;
}

/** The default policy table (section 2.1): the longest match counts. */
const policies: readonly (readonly [prefix: Prefix, policy: Policy])[] = (
  [
    ['::1/128', 50, 0],
    ['::/96', 1, 3],
    ['2001::/32', 5, 5],
    ['3ffe::/16', 1, 12],
    ['2002::/16', 30, 2],
    ['fec0::/10', 1, 11],
    ['fc00::/7', 3, 13],
    ['::/0', 40, 1],
  ] as const
).map(([text, precedence, label]) => [parsePrefix(text)!, { precedence, label }]);
const mapped: Policy = { precedence: 35, label: 4 };

export function policyOf(address: Address): Policy {
  if (address.isV4) return mapped;
  return policies.find(([prefix]) => inPrefix(address, prefix))![1];
}

/** Leading bits that two addresses share, at most `most` of them. */
export function commonBits(one: Address, other: Address, most: number): number {
  const differences = [one.w0 ^ other.w0, one.w1 ^ other.w1, one.w2 ^ other.w2, one.w3 ^ other.w3];
  const first = differences.findIndex((difference) => difference !== 0);
  const common = first < 0 ? 128 : first * 32 + Math.clz32(differences[first]!);
  return Math.min(one.isV4 ? common - 96 : common, most);
}

/** The best of our addresses to send to `destination` by `out`; null when there is none of its family. */
export function chooseSource(destination: Address, out: Interface, interfaces: readonly Interface[]): Address | null {
  let best: Prefix | null = null;
  let bestInterface: Interface | null = null;
  for (const each of interfaces) {
    if (each.index === 0) continue;
    for (const own of each.addresses) {
      if (own.address.isV4 !== destination.isV4) continue;
      if (own.address.zone !== 0 && own.address.zone !== out.index) continue;
      if (best === null || isBetter(own, each, best, bestInterface!, destination, out)) {
        best = own;
        bestInterface = each;
      }
    }
  }
  return best === null ? null : best.address;
}

function isBetter(a: Prefix, ofA: Interface, b: Prefix, ofB: Interface, destination: Address, out: Interface): boolean {
  if (sameAddress(a.address, destination) !== sameAddress(b.address, destination))
    return sameAddress(a.address, destination); // rule 1
  const [scopeA, scopeB, wanted] = [scopeOf(a.address), scopeOf(b.address), scopeOf(destination)];
  if (scopeA !== scopeB) return scopeA < scopeB ? scopeA >= wanted : scopeB < wanted; // rule 2
  if ((ofA === out) !== (ofB === out)) return ofA === out; // rule 5
  const { label } = policyOf(destination);
  const isLabel = [policyOf(a.address).label === label, policyOf(b.address).label === label];
  if (isLabel[0] !== isLabel[1]) return isLabel[0]!; // rule 6
  // Rule 8, bounded by the prefix of the source as section 5 has it.
  return commonBits(a.address, destination, a.bits) > commonBits(b.address, destination, b.bits);
}
