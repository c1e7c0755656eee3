import { getUint8, getUint16, getUint32 } from '../base/bytes.ts';
import type { DropReason } from '../base/counters.ts';
import { type Datagram, fragmentHeaderLength, protocolIcmpv6, protocolTcp, protocolUdp } from '../wire/datagram.ts';
import {
  erroneousField,
  incompleteChain,
  parameterProblem6,
  unknownNextHeader,
  unknownOption,
} from '../wire/icmpv6.ts';
import { destinationHeader, fragmentHeader, hopByHopHeader, noNextHeader, routingHeader } from '../wire/ipv6.ts';

/**
 * The chain of extension headers of IPv6 (RFC 8200 section 4), from datagram.payloadStart on: hop-by-hop and destination
 * options, routing and fragment headers. Bounded work: eight headers a packet, eight options a header (as Linux).
 *
 * Every header but the fragment header begins alike:
 *
 *    |  next header  | length in 8s - 1 |  …                           |   0
 */

const mostHeaders = 8;
const mostOptions = 8;
const mostPadding = 7;

/**
 * Walks the chain up to the header of the upper layer, or to a fragment header that makes the packet a piece; then
 * `isFragment` is set. Afterwards `protocol`, `nextHeaderAt` and `payloadStart` describe what follows.
 * @param wasFragment it has been put together of pieces
 * @returns why the packet goes no further; its `complaint` may say more
 */
export function walkExtensions(datagram: Datagram, wasFragment: boolean): DropReason | null {
  let hadFragmentHeader = wasFragment;
  for (let headers = 0; ; headers++) {
    const { bytes, payloadStart: at, payloadEnd: end, protocol } = datagram;
    switch (protocol) {
      case hopByHopHeader:
        if (datagram.nextHeaderAt !== 6) return refuse(datagram, unknownNextHeader, datagram.nextHeaderAt); // section 4.1
        break;
      case destinationHeader:
      case routingHeader:
      case fragmentHeader:
        break;
      case noNextHeader:
        return 'no next header'; // section 4.7
      default:
        return null;
    }
    if (headers === mostHeaders) return 'bad extension header';
    if (protocol === fragmentHeader) {
      // Cut short, or a second one, pieces within pieces included: nobody sends such. Told as Linux does.
      if (end - at < fragmentHeaderLength || hadFragmentHeader) return refuse(datagram, erroneousField, at);
      hadFragmentHeader = true;
      const reason = readFragmentHeader(datagram);
      if (reason !== null || datagram.isFragment) return reason;
      continue; // an atomic fragment is no piece (RFC 6946)
    }
    if (!isWhole(datagram)) return 'bad extension header';
    const length = lengthOf(bytes, at);
    // Section 4.4 and RFC 5095: no routing header is understood, so there must be nothing left for it to do.
    if (protocol === routingHeader) {
      if (getUint8(bytes, at + 3) !== 0) return refuse(datagram, erroneousField, at + 2);
    } else {
      const reason = checkOptions(datagram, at + 2, at + length);
      if (reason !== null) return reason;
    }
    goOn(datagram, at, length);
  }
}

/**
 * Hop-by-hop options are for every node that the packet meets (section 4.3), also for one that it is not addressed to.
 * @returns why it goes no further
 */
export function checkHopByHop(datagram: Datagram): DropReason | null {
  const { bytes, payloadStart: at } = datagram;
  if (datagram.protocol !== hopByHopHeader) return null;
  return isWhole(datagram) ? checkOptions(datagram, at + 2, at + lengthOf(bytes, at)) : 'bad extension header';
}

const lengthOf = (bytes: Uint8Array, at: number): number => (getUint8(bytes, at + 1) + 1) * 8;

/** Is all of the header there that comes next? */
const isWhole = ({ bytes, payloadStart: at, payloadEnd: end }: Datagram): boolean =>
  end - at >= 8 && lengthOf(bytes, at) <= end - at;

/** The header at `at` is done with. */
function goOn(datagram: Datagram, at: number, length: number): void {
  datagram.protocol = getUint8(datagram.bytes, at);
  datagram.nextHeaderAt = at;
  datagram.payloadStart = at + length;
}

function refuse(datagram: Datagram, code: number, pointer: number, evenToMany = false): DropReason {
  datagram.complaint.set(parameterProblem6, code, pointer, evenToMany);
  return code === unknownNextHeader ? 'unknown next header' : 'bad extension header';
}

/**
 * Section 4.2: none of the options is known but padding, so the two top bits of the type say what to do. Padding aligns
 * what follows it to 8 octets, so there are 7 of it at most, and all zero: more would be a hidden channel (RFC 4942
 * section 2.1.9.5).
 */
function checkOptions(datagram: Datagram, start: number, end: number): DropReason | null {
  const { bytes } = datagram;
  let options = 0;
  let padding = 0; // octets in a row
  for (let at = start; at < end; ) {
    const type = getUint8(bytes, at);
    if (type === 0) {
      if (++padding > mostPadding) return 'bad IPv6 option';
      at++; // Pad1
      continue;
    }
    if (at + 2 > end || at + 2 + getUint8(bytes, at + 1) > end) return 'bad IPv6 option';
    const length = 2 + getUint8(bytes, at + 1);
    if (type === 1) {
      padding += length;
      if (padding > mostPadding || !isZero(bytes, at + 2, at + length)) return 'bad IPv6 option';
    } else {
      padding = 0;
      if (++options > mostOptions) return 'bad IPv6 option';
      const action = type >> 6;
      if (action >= 2) datagram.complaint.set(parameterProblem6, unknownOption, at, action === 2);
      if (action !== 0) return 'bad IPv6 option';
    }
    at += length;
  }
  return null;
}

function isZero(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (getUint8(bytes, at) !== 0) return false;
  return true;
}

/**
 * The fragment header (section 4.5).
 *
 *    |  next header  |   reserved    |     offset in 8s        | 0 |M|   0
 *    |                        identification                         |   4
 */
function readFragmentHeader(datagram: Datagram): DropReason | null {
  const { bytes, payloadStart: at, payloadEnd: end } = datagram;
  const place = getUint16(bytes, at + 2);
  datagram.fragmentOffset = place & 0xfff8;
  datagram.moreFragments = (place & 1) !== 0;
  datagram.identification = getUint32(bytes, at + 4);
  datagram.fragmentHeaderAt = at;
  const chainAt = datagram.nextHeaderAt;
  goOn(datagram, at, fragmentHeaderLength);
  datagram.isFragment = datagram.moreFragments || datagram.fragmentOffset !== 0;
  if (!datagram.isFragment) return null;
  if (datagram.fragmentOffset === 0 && datagram.protocol === hopByHopHeader) {
    return refuse(datagram, unknownNextHeader, at); // it may follow the IPv6 header only, also once the datagram is whole
  }
  const length = end - datagram.payloadStart;
  if (datagram.moreFragments && length % 8 !== 0) return refuse(datagram, erroneousField, 4);
  if (datagram.fragmentOffset + length > 0xffff) return refuse(datagram, erroneousField, at + 2);
  if (length === 0) return 'bad fragment';
  if (datagram.fragmentOffset === 0 && !hasWholeChain(datagram)) {
    return refuse(datagram, incompleteChain, 0); // RFC 7112 section 5
  }
  datagram.nextHeaderAt = chainAt; // where the fragment header is named: that octet is restored when it goes
  return null;
}

/** Does the first piece have all headers up to that of the upper layer? Otherwise a filter sees nothing of it (RFC 7112). */
function hasWholeChain({ bytes, payloadStart, payloadEnd, protocol }: Datagram): boolean {
  let at = payloadStart;
  let next = protocol;
  for (let headers = 0; headers <= mostHeaders; headers++) {
    switch (next) {
      case hopByHopHeader:
      case destinationHeader:
      case routingHeader:
        if (payloadEnd - at < 8) return false;
        next = getUint8(bytes, at);
        at += (getUint8(bytes, at + 1) + 1) * 8;
        break;
      case fragmentHeader:
        return payloadEnd - at >= fragmentHeaderLength;
      case protocolTcp:
        return payloadEnd - at >= 20;
      case protocolUdp:
      case protocolIcmpv6:
        return payloadEnd - at >= 8;
      default:
        return at <= payloadEnd;
    }
  }
  return false;
}
