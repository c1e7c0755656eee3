import { Address } from '../base/address.ts';
import { empty } from '../base/bytes.ts';

/** Protocol numbers of the IP header (RFC 791 section 3.1, IANA). */
export const protocolIcmp = 1;
export const protocolTcp = 6;
export const protocolUdp = 17;

/**
 * What IP hands up: where a datagram came from and which octets of the packet are its payload.
 * One per stack, refilled for every arrival: never keep a reference to it, nor to `bytes`.
 */
export class Datagram {
  readonly source: Address = new Address();
  readonly destination: Address = new Address();
  protocol = 0;
  /** The packet; its header begins at octet 0. */
  bytes: Uint8Array = empty;
  payloadStart = 0;
  payloadEnd = 0;
  ttl = 0;
  /** The two bits of RFC 3168 and the DSCP above them. */
  trafficClass = 0;
  interfaceIndex = 0;
  /** Sent to a broadcast or multicast address: nothing may answer it with an error or a reset. */
  toMany = false;
}

/** What a transport asks of IP for the payload it has just written. One per stack, refilled for every departure. */
export class Outgoing {
  source: Address = new Address();
  destination: Address = new Address();
  protocol = 0;
  /** Octets of payload, written behind the room for the IP header. */
  length = 0;
  ttl = 0;
  trafficClass = 0;
}
