import { headerRoom } from '../base/path.ts';
import type { Outgoing } from '../wire/datagram.ts';
import { writeIpv4 } from '../wire/ipv4.ts';

/**
 * Writes the IP header in front of a payload of out.length octets.
 *
 * Everything leaves with DF set (RFC 1191 section 3), so the identification distinguishes nothing (RFC 6864 section 4.1);
 * it is random all the same, because a counter would tell a stranger how many packets we send.
 * @returns the length of the packet
 */
export function writeHeader(into: Uint8Array, out: Outgoing, identification: number): number {
  writeIpv4(into, out, identification);
  return headerRoom(out.destination) + out.length;
}
