import { type Address, anyV4 } from '../base/address.ts';
import { getUint8, getUint16, getUint32 } from '../base/bytes.ts';
import type { DropReason } from '../base/counters.ts';
import type { ErrorCode } from '../base/errors.ts';
import { type Seq, seqZero, toSeq } from '../base/seq.ts';
import * as v4 from '../wire/icmpv4.ts';
import * as v6 from '../wire/icmpv6.ts';
import { ipv4HeaderLength, quotedDestination, quotedSource } from '../wire/ipv4.ts';
import { findUpperLayer, ipv6HeaderLength, ipv6LeastMtu, quotedAddress } from '../wire/ipv6.ts';

/** What an ICMP error says about a packet of ours. One per stack, refilled for every arrival. */
export class IcmpReport {
  /** The protocol, addresses and ports of the packet that is quoted: we were its source. */
  protocol = 0;
  local: Address = anyV4;
  localPort = 0;
  remote: Address = anyV4;
  remotePort = 0;
  /** The sequence number of a quoted TCP segment. */
  seq: Seq = seqZero;
  error: ErrorCode = 'EHOSTUNREACH';
  /** Hard errors say that no retry will help (RFC 1122 section 4.2.3.9); which, and with what code, as Linux maps them. */
  isHard = false;
  /** The MTU of the next hop, 0 when the router did not say; -1 for all errors that are not about size. */
  mtu = -1;
}

type Meaning = readonly [error: ErrorCode, isHard: boolean];

/** Destination unreachable of ICMPv4 by its code (RFC 792, RFC 1122 section 3.2.2.1, RFC 1812 section 5.2.7.1). */
const unreachableV4: readonly Meaning[] = [
  ['ENETUNREACH', false],
  ['EHOSTUNREACH', false],
  ['ENOPROTOOPT', true],
  ['ECONNREFUSED', true],
  ['EMSGSIZE', false],
  ['EOPNOTSUPP', false],
  ['ENETUNREACH', true],
  ['EHOSTDOWN', true],
  ['ENONET', true],
  ['ENETUNREACH', true],
  ['EHOSTUNREACH', true],
  ['ENETUNREACH', false],
  ['EHOSTUNREACH', false],
  ['EHOSTUNREACH', true],
  ['EHOSTUNREACH', true],
  ['EHOSTUNREACH', true],
];

/** The same of ICMPv6 (RFC 4443 section 3.1). */
const unreachableV6: readonly Meaning[] = [
  ['ENETUNREACH', false],
  ['EACCES', true],
  ['EHOSTUNREACH', false],
  ['EHOSTUNREACH', false],
  ['ECONNREFUSED', true],
  ['EACCES', true],
  ['EACCES', true],
];

/** Reads the error at bytes[start, end) and the header and first 8 octets of what it quotes (RFC 792). */
export function readReportV4(bytes: Uint8Array, start: number, end: number, into: IcmpReport): 'report' | DropReason {
  const quoted = start + v4.icmpHeaderLength;
  if (end - quoted < ipv4HeaderLength || getUint8(bytes, quoted) >> 4 !== 4) return 'malformed ICMP';
  const headerLength = (getUint8(bytes, quoted) & 15) * 4;
  const payload = quoted + headerLength;
  if (headerLength < ipv4HeaderLength || end - payload < 8) return 'malformed ICMP';
  if ((getUint16(bytes, quoted + 6) & 0x1fff) !== 0) return 'ICMP ignored'; // no ports in a later piece
  into.protocol = getUint8(bytes, quoted + 9);
  into.local = quotedSource(bytes, quoted);
  into.remote = quotedDestination(bytes, quoted);
  readPorts(bytes, payload, into);
  into.mtu = -1;
  const type = getUint8(bytes, start);
  const code = getUint8(bytes, start + 1);
  if (type === v4.timeExceeded) return mean(['EHOSTUNREACH', false], into);
  if (type === v4.parameterProblem) return mean(['EPROTO', true], into);
  const meaning = unreachableV4[code];
  if (meaning === undefined) return 'ICMP ignored';
  if (code === v4.fragmentationNeeded) into.mtu = getUint16(bytes, start + 6); // RFC 1191 section 4
  return mean(meaning, into);
}

/** The same for ICMPv6, where extension headers may stand before the ports (RFC 4443). */
export function readReportV6(bytes: Uint8Array, start: number, end: number, into: IcmpReport): 'report' | DropReason {
  const quoted = start + v4.icmpHeaderLength;
  if (end - quoted < ipv6HeaderLength || getUint8(bytes, quoted) >> 4 !== 6) return 'malformed ICMP';
  const upper = findUpperLayer(bytes, getUint8(bytes, quoted + 6), quoted + ipv6HeaderLength, end);
  if (upper === null || end - upper.at < 8) return 'malformed ICMP';
  into.protocol = upper.protocol;
  into.local = quotedAddress(bytes, quoted + 8);
  into.remote = quotedAddress(bytes, quoted + 24);
  if (into.local.isV4 || into.remote.isV4) return 'ICMP ignored'; // mapped addresses are never sent
  readPorts(bytes, upper.at, into);
  into.mtu = -1;
  switch (getUint8(bytes, start)) {
    case v6.packetTooBig:
      into.mtu = getUint32(bytes, start + 4);
      if (into.mtu < ipv6LeastMtu) return 'ICMP ignored'; // RFC 8201 section 4: there is no such link
      return mean(['EMSGSIZE', false], into);
    case v6.timeExceeded6:
      return mean(['EHOSTUNREACH', false], into);
    case v6.parameterProblem6:
      return mean(['EPROTO', true], into);
    case v6.destinationUnreachable6: {
      const meaning = unreachableV6[getUint8(bytes, start + 1)];
      return meaning === undefined ? 'ICMP ignored' : mean(meaning, into);
    }
    default:
      return mean(['EPROTO', false], into); // an error that is yet to be invented
  }
}

function readPorts(bytes: Uint8Array, at: number, into: IcmpReport): void {
  into.localPort = getUint16(bytes, at);
  into.remotePort = getUint16(bytes, at + 2);
  into.seq = toSeq(getUint32(bytes, at + 4));
}

function mean([error, isHard]: Meaning, into: IcmpReport): 'report' {
  into.error = error;
  into.isHard = isHard;
  return 'report';
}
