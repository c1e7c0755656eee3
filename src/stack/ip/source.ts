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

/** The default policy table (section 2.1): the longest match gives the label. */
const policies: readonly (readonly [prefix: Prefix, label: number])[] = (
  [
    ['::1/128', 0],
    ['::/96', 3],
    ['2001::/32', 5],
    ['3ffe::/16', 12],
    ['2002::/16', 2],
    ['fec0::/10', 11],
    ['fc00::/7', 13],
    ['::/0', 1],
  ] as const
).map(([text, label]) => [parsePrefix(text)!, label]);

function labelOf(address: Address): number {
  if (address.isV4) return 4;
  return policies.find(([prefix]) => inPrefix(address, prefix))![1];
}

/** Leading bits that two addresses share, at most those of the source's prefix (rule 8, as RFC 6724 section 5 bounds it). */
function commonBits(own: Prefix, destination: Address): number {
  const { address, bits } = own;
  const differences = [
    address.w0 ^ destination.w0,
    address.w1 ^ destination.w1,
    address.w2 ^ destination.w2,
    address.w3 ^ destination.w3,
  ];
  const first = differences.findIndex((difference) => difference !== 0);
  const common = first < 0 ? 128 : first * 32 + Math.clz32(differences[first]!);
  return Math.min(address.isV4 ? common - 96 : common, bits);
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
  const label = labelOf(destination);
  if ((labelOf(a.address) === label) !== (labelOf(b.address) === label)) return labelOf(a.address) === label; // rule 6
  return commonBits(a, destination) > commonBits(b, destination); // rule 8
}
