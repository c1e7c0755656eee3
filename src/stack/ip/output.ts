import { type Outgoing, outgoingHeaderLength } from '../wire/datagram.ts';
import { writeIpv4 } from '../wire/ipv4.ts';
import { writeIpv6 } from '../wire/ipv6.ts';

/**
 * Writes the IP header in front of a payload of out.length octets.
 * @returns the length of the packet
 */
export function writeHeader(into: Uint8Array, out: Outgoing): number {
  if (out.destination.isV4) writeIpv4(into, out);
  else writeIpv6(into, out);
  return outgoingHeaderLength(out) + out.length;
}
