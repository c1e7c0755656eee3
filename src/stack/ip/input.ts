import { type Address, isLoopback, isMulticast, isReservedV4 } from '../base/address.ts';
import { getUint8 } from '../base/bytes.ts';
import type { DropReason } from '../base/counters.ts';
import type { Datagram } from '../wire/datagram.ts';
import { isFragment, readIpv4 } from '../wire/ipv4.ts';
import type { Interface } from './interface.ts';

/**
 * IP input (RFC 791, RFC 1122 section 3.2.1): is the packet sound, may it come from there, is it for us?
 *
 * IPv6 and reassembly have their place here and are not built yet: version 6 and fragments are dropped and counted.
 */
export function acceptDatagram(
  bytes: Uint8Array,
  length: number,
  from: Interface,
  interfaces: readonly Interface[],
  into: Datagram,
): DropReason | null {
  if (length < 1) return 'truncated packet';
  if (getUint8(bytes, 0) >> 4 !== 4) return 'not IPv4 or IPv6'; // RFC 1122 section 3.2.1.1
  const malformed = readIpv4(bytes, length, into);
  if (malformed !== null) return malformed;
  into.interfaceIndex = from.index;
  const onLoopback = from.index === 0;
  const { source, destination } = into;
  if (!mayBeSource(source, onLoopback, from, interfaces)) return 'invalid source';
  into.toMany = destination.w3 === 0xffffffff || isMulticast(destination) || from.isBroadcast(destination);
  if (!into.toMany && !isOurs(destination, onLoopback, interfaces)) return 'not for this host';
  if (isFragment(bytes)) return 'unexpected fragment';
  return null;
}

/** RFC 1122 section 3.2.1.3: no loopback, multicast, broadcast, reserved or unspecified source from a wire, nor our own. */
function mayBeSource(source: Address, onLoopback: boolean, from: Interface, interfaces: readonly Interface[]): boolean {
  if (source.w3 >>> 24 === 0 || isMulticast(source) || source.w3 === 0xffffffff || isReservedV4(source)) return false;
  if (onLoopback) return true;
  return !isLoopback(source) && !from.isBroadcast(source) && !isOurs(source, false, interfaces);
}

/** A host accepts a packet for any of its addresses on any interface (the weak end system model of RFC 1122 3.3.4.2). */
function isOurs(address: Address, onLoopback: boolean, interfaces: readonly Interface[]): boolean {
  if (onLoopback && isLoopback(address)) return true;
  for (const each of interfaces) if (each.index !== 0 && each.has(address)) return true;
  return false;
}
