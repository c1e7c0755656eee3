import type { Row } from './rfc-row.ts';
import { tcpRows } from './rfc-rows-9293.ts';
import { ipRows } from './rfc-rows-ip.ts';
import { recoveryRows, robustnessRows } from './rfc-rows-tcp.ts';

/**
 * What the RFCs ask of this stack, one testable sentence a row, in our own words. docs/rfc-map.md shows where each is done
 * and proved; rows of priority 0 and 1 must be proved.
 *
 * 0: needed to get on with others, or for safety. 1: expected of a serious stack. 2: rare or optional.
 */

/** Rows about one subject. A section without an RFC of its own is one of `rfc`. */
export interface RowGroup {
  readonly title: string;
  /** The RFC of rows whose id does not begin with a number of its own. */
  readonly rfc: number | null;
  readonly rows: readonly Row[];
}

export const rowGroups: readonly RowGroup[] = [
  { title: 'TCP: RFC 9293', rfc: 9293, rows: tcpRows },
  { title: 'IPv4, IPv6, ICMP and UDP', rfc: null, rows: ipRows },
  { title: 'Timeouts, congestion control and loss recovery', rfc: null, rows: recoveryRows },
  { title: 'Options and robustness', rfc: null, rows: robustnessRows },
];
