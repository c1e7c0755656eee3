import type { Family } from './syntax.ts';

/** The names of ICMP's types and codes in scripts, the same ones for both families where both have the thing. */

interface Numbers {
  readonly type: number;
  readonly code: number;
}

type Row = readonly [
  type: string,
  code: string | null,
  v4: readonly [number, number] | null,
  v6: readonly [number, number] | null,
];

const rows: readonly Row[] = [
  ['unreachable', 'net_unreachable', [3, 0], [1, 0]],
  ['unreachable', 'host_unreachable', [3, 1], [1, 3]],
  ['unreachable', 'protocol_unreachable', [3, 2], [4, 1]],
  ['unreachable', 'port_unreachable', [3, 3], [1, 4]],
  ['unreachable', 'frag_needed', [3, 4], [2, 0]],
  ['unreachable', 'source_route_failed', [3, 5], null],
  ['unreachable', 'net_unknown', [3, 6], null],
  ['unreachable', 'host_unknown', [3, 7], null],
  ['unreachable', 'source_host_isolated', [3, 8], null],
  ['unreachable', 'net_prohibited', [3, 9], null],
  ['unreachable', 'host_prohibited', [3, 10], [1, 1]],
  ['unreachable', 'net_unreachable_for_tos', [3, 11], null],
  ['unreachable', 'host_unreachable_for_tos', [3, 12], null],
  ['unreachable', 'communication_prohibited', [3, 13], [1, 1]],
  ['unreachable', 'host_precedence_violation', [3, 14], null],
  ['unreachable', 'precedence_cutoff', [3, 15], null],
  ['unreachable', 'no_route', [3, 0], [1, 0]],
  ['unreachable', 'addr_unreachable', [3, 1], [1, 3]],
  ['unreachable', 'beyond_scope', null, [1, 2]],
  ['unreachable', 'policy_failed', null, [1, 5]],
  ['unreachable', 'reject_route', null, [1, 6]],
  ['packet_too_big', null, [3, 4], [2, 0]],
  ['source_quench', null, [4, 0], null],
  ['time_exceeded', 'ttl', [11, 0], [3, 0]],
  ['time_exceeded', 'reassembly', [11, 1], [3, 1]],
  ['parameter_problem', 'field', [12, 0], [4, 0]],
  ['parameter_problem', 'option_missing', [12, 1], null],
];

export const isIcmpType = (type: string): boolean => rows.some(([name]) => name === type);

/** The codes that a type has. */
export const codesOf = (type: string): string[] =>
  rows.filter(([name]) => name === type).flatMap(([, code]) => (code === null ? [] : [code]));

/** What is sent for these names; the first code when none is given. Null: the family has no such message. */
export function icmpNumbers(type: string, code: string | null, family: Family): Numbers | null {
  for (const [name, codeName, v4, v6] of rows) {
    if (name !== type || (code !== null && code !== codeName)) continue;
    const numbers = family === 4 ? v4 : v6;
    if (numbers !== null) return { type: numbers[0], code: numbers[1] };
  }
  return null;
}

/** The names of what has arrived. */
export function icmpName(type: number, code: number, family: Family): string {
  for (const [name, codeName, v4, v6] of rows) {
    const numbers = family === 4 ? v4 : v6;
    if (numbers?.[0] === type && numbers[1] === code) return codeName === null ? name : `${name} ${codeName}`;
  }
  return `type ${type} code ${code}`;
}
