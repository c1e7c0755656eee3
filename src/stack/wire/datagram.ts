import { Address } from '../base/address.ts';
import { empty } from '../base/bytes.ts';

/** Protocol numbers of the IP header (RFC 791 section 3.1, IANA). */
export const protocolIcmp = 1;
export const protocolIgmp = 2;
export const protocolTcp = 6;
export const protocolUdp = 17;
export const protocolIcmpv6 = 58;

/** The ICMP error that a bad packet draws. */
export class Complaint {
  type = 0;
  code = 0;
  /** The second word of the ICMP header: a pointer or an MTU. */
  parameter = 0;
  /** May be sent although the packet went to many (RFC 4443 section 2.4 (e.3)). */
  evenToMany = false;

  set(type: number, code: number, parameter: number, evenToMany = false): void {
    this.type = type;
    this.code = code;
    this.parameter = parameter;
    this.evenToMany = evenToMany;
  }
}

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
  /** What an IPv6 header says besides: the offset of the octet that names `protocol`. */
  nextHeaderAt = 0;
  /** A piece of a datagram: its identification, its place, whether more follow; of IPv6, where its header is. */
  isFragment = false;
  identification = 0;
  fragmentOffset = 0;
  moreFragments = false;
  fragmentHeaderAt = 0;
  /** Of IPv4: it must not be cut on the way. */
  dontFragment = false;
  /** Why the packet is refused, as an ICMP error would tell the sender: a type (0 for none), code and parameter. */
  readonly complaint: Complaint = new Complaint();
  /** Sent to a broadcast or multicast address: nothing may answer it with an error or a reset. */
  toMany = false;
  /** The transport's checksum is known to be right: the packet has not been on a wire since, or somebody has looked. */
  isVerified = false;
  /** It stands for several segments, with so much text in each; 0: for itself. */
  segmentSize = 0;
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
  /** Of IPv6: 20 bits that are the same for all packets of a flow (RFC 6437). */
  flowLabel = 0;
  /** Of IPv4: routers may not cut it (DF). IPv6 packets never may be cut on the way. */
  dontFragment = true;
  /** Set while a datagram leaves in pieces. */
  isFragment = false;
  identification = 0;
  fragmentOffset = 0;
  moreFragments = false;
  /** It stands for several segments, with so much text in each; 0: for itself. */
  segmentSize = 0;
  /** Its checksum covers the pseudo-header only. */
  hasPartialChecksum = false;
}

/** Octets of the IPv6 fragment header. */
export const fragmentHeaderLength = 8;

/** Octets in front of the payload of what leaves: the IP header, and the fragment header of an IPv6 piece. */
export const outgoingHeaderLength = (out: Outgoing): number =>
  out.destination.isV4 ? 20 : out.isFragment ? 40 + fragmentHeaderLength : 40;
