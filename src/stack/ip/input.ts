import { type Address, isLinkLocal, isLoopback, isMulticast, isReservedV4 } from '../base/address.ts';
import { getUint8 } from '../base/bytes.ts';
import type { DropReason } from '../base/counters.ts';
import type { Micros } from '../base/time.ts';
import type { Datagram } from '../wire/datagram.ts';
import { checkIpv4Options, ipv4HeaderLength, readIpv4 } from '../wire/ipv4.ts';
import { readIpv6 } from '../wire/ipv6.ts';
import { checkHopByHop, walkExtensions } from './extensions.ts';
import type { Interface } from './interface.ts';
import type { Reassembly } from './reassembly.ts';

/**
 * IP input (RFC 791, RFC 1122 section 3.2.1, RFC 8200): is the packet sound, may it come from there, is it for us, is it
 * whole? Fills `into`, also when it is refused, as far as it was read.
 * @returns null when there is a datagram for the layer above; 'kept' when it is a piece of one; or why it goes no further
 */
export function acceptDatagram(
  bytes: Uint8Array,
  length: number,
  from: Interface,
  interfaces: readonly Interface[],
  reassembly: Reassembly,
  into: Datagram,
  now: Micros,
): DropReason | 'kept' | null {
  into.complaint.type = 0;
  into.interfaceIndex = from.index;
  if (length < 1) return 'truncated packet';
  const version = getUint8(bytes, 0) >> 4;
  if (version !== 4 && version !== 6) return 'not IPv4 or IPv6'; // RFC 1122 section 3.2.1.1
  const malformed = version === 4 ? readIpv4(bytes, length, into) : readIpv6(bytes, length, into);
  if (malformed !== null) return malformed;
  const { source, destination } = into;
  const onLoopback = from.index === 0;
  if (version === 6) {
    // Mapped addresses stand for IPv4 inside of this stack and must not come from outside (RFC 4942 section 2.2).
    if (source.isV4 || destination.isV4) return 'invalid source';
    if (isLinkLocal(source)) source.zone = from.index;
    if (isLinkLocal(destination)) destination.zone = from.index;
  }
  if (!mayBeSource(source, onLoopback, from, interfaces)) return 'invalid source';
  if (!onLoopback && isNeverOnLink(destination)) return 'invalid destination';
  into.toMany = isMulticast(destination) || isBroadcast(destination, from);
  const isForUs = into.toMany ? onLoopback || from.hears(destination) : isOurs(destination, onLoopback, interfaces);
  if (!isForUs) return (version === 6 ? checkHopByHop(into) : null) ?? 'not for this host';
  if (version === 4 && into.payloadStart > ipv4HeaderLength) {
    const reason = checkIpv4Options(into);
    if (reason !== null) return reason;
  }
  if (version === 6) {
    const reason = walkExtensions(into, false);
    if (reason !== null) return reason;
  }
  if (!into.isFragment) return null;
  const outcome = reassembly.add(into, now);
  if (outcome !== null || version === 4) return outcome;
  return walkExtensions(into, true); // the headers that came in pieces
}

const isBroadcast = (address: Address, from: Interface): boolean =>
  address.isV4 && (address.w3 === 0xffffffff || from.isBroadcast(address));

/**
 * No loopback, multicast, broadcast, reserved or unspecified source from a wire, nor an address of our own (RFC 1122
 * section 3.2.1.3, RFC 4291 sections 2.5.2, 2.5.3 and 2.7).
 */
function mayBeSource(source: Address, onLoopback: boolean, from: Interface, interfaces: readonly Interface[]): boolean {
  if (isMulticast(source)) return false;
  if (source.isV4) {
    if (source.w3 >>> 24 === 0 || source.w3 === 0xffffffff || isReservedV4(source)) return false;
  } else if (source.isUnspecified) return false;
  if (onLoopback) return true;
  return !isLoopback(source) && !from.isBroadcast(source) && !isOurs(source, false, interfaces);
}

/** Loopback, groups with the reserved scope, and those of one interface (RFC 4291 sections 2.5.3, 2.7 and erratum 3480). */
const isNeverOnLink = (address: Address): boolean =>
  isLoopback(address) || (address.w0 >>> 24 === 0xff && ((address.w0 >>> 16) & 15) <= 1);

/** A host accepts a packet for any of its addresses on any interface (the weak end system model of RFC 1122 3.3.4.2). */
function isOurs(address: Address, onLoopback: boolean, interfaces: readonly Interface[]): boolean {
  if (onLoopback && isLoopback(address)) return true;
  for (const each of interfaces) if (each.index !== 0 && each.has(address)) return true;
  return false;
}
