import { type Address, sameAddress } from '../base/address.ts';
import { commonBits, policyOf, scopeOf } from './source.ts';

/**
 * Of several addresses of one name, which to try first (RFC 6724 section 6). Of its rules there apply here: usable ones
 * first, matching scope, matching label, precedence, smaller scope, the longest common prefix; otherwise as they were.
 */
export function orderDestinations(
  destinations: readonly Address[],
  sourceFor: (destination: Address) => Address | null,
): Address[] {
  const candidates = destinations.map((destination) => ({ destination, source: sourceFor(destination) }));
  return candidates.sort(compare).map(({ destination }) => destination);
}

interface Candidate {
  readonly destination: Address;
  readonly source: Address | null;
}

/** Below zero when `a` comes first. */
function compare(a: Candidate, b: Candidate): number {
  if (a.source === null || b.source === null) return Number(a.source === null) - Number(b.source === null); // rule 1
  const [scopeA, scopeB] = [scopeOf(a.destination), scopeOf(b.destination)];
  const isScope = [scopeA === scopeOf(a.source), scopeB === scopeOf(b.source)];
  if (isScope[0] !== isScope[1]) return isScope[0] ? -1 : 1; // rule 2
  const [policyA, policyB] = [policyOf(a.destination), policyOf(b.destination)];
  const isLabel = [policyA.label === policyOf(a.source).label, policyB.label === policyOf(b.source).label];
  if (isLabel[0] !== isLabel[1]) return isLabel[0] ? -1 : 1; // rule 5
  if (policyA.precedence !== policyB.precedence) return policyB.precedence - policyA.precedence; // rule 6
  if (scopeA !== scopeB) return scopeA - scopeB; // rule 8
  if (a.destination.isV4 || b.destination.isV4 || sameAddress(a.destination, b.destination)) return 0;
  return commonBits(b.source, b.destination, 64) - commonBits(a.source, a.destination, 64); // rule 9
}
