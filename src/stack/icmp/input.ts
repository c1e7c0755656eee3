import type { Address } from '../base/address.ts';
import { anyV4 } from '../base/address.ts';
import { getUint8, getUint16, getUint32, setUint8, setUint16 } from '../base/bytes.ts';
import { checksum, updateChecksum } from '../base/checksum.ts';
import type { Counters, DropReason } from '../base/counters.ts';
import type { ErrorCode } from '../base/errors.ts';
import { type Seq, seqZero, toSeq } from '../base/seq.ts';
import type { Datagram } from '../wire/datagram.ts';
import * as icmp from '../wire/icmpv4.ts';
import { ipv4HeaderLength, quotedDestination, quotedSource } from '../wire/ipv4.ts';

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
  /** Hard errors say that no retry will help (RFC 1122 section 4.2.3.9). */
  isHard = false;
  /** For "fragmentation needed": the MTU of the next hop, 0 when the router did not say; -1 for all other errors. */
  mtu = -1;
}

/** What has to be done about a message: send this echo reply, tell the transport of the report, or nothing more. */
export type IcmpOutcome = Uint8Array | 'report' | DropReason | null;

/** Takes in an ICMPv4 message (RFC 792, RFC 1122 section 3.2.2). */
export function acceptIcmp(datagram: Datagram, report: IcmpReport, counters: Counters): IcmpOutcome {
  const { bytes, payloadStart: start, payloadEnd: end } = datagram;
  counters.icmpInMsgs++;
  if (end - start < icmp.icmpHeaderLength) return 'malformed ICMP';
  if (checksum(bytes, start, end) !== 0) return 'bad ICMP checksum';
  const type = getUint8(bytes, start);
  switch (type) {
    case icmp.echoRequest:
      if (datagram.toMany) return 'ICMP ignored'; // RFC 1122 section 3.2.2.6 allows silence; so does Linux by default
      counters.icmpInEchos++;
      return makeEchoReply(bytes, start, end);
    case icmp.destinationUnreachable:
    case icmp.timeExceeded:
    case icmp.parameterProblem:
      return readReport(bytes, start, end, type, report);
    default: // redirects (one route is all there is), source quench (MUST-55), timestamps and masks (RFC 6918)
      return 'ICMP ignored';
  }
}

/** The same identifier, sequence number and data go back (RFC 1122 section 3.2.2.6). */
function makeEchoReply(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const reply = bytes.slice(start, end);
  setUint8(reply, 0, icmp.echoReply);
  const before = getUint16(bytes, start);
  setUint16(reply, 2, updateChecksum(getUint16(bytes, start + 2), before, before & 0xff));
  return reply;
}

/** Reads the quoted packet of an error: its header and at least 8 octets of its payload. */
function readReport(bytes: Uint8Array, start: number, end: number, type: number, into: IcmpReport): IcmpOutcome {
  const quoted = start + icmp.icmpHeaderLength;
  if (end - quoted < ipv4HeaderLength || getUint8(bytes, quoted) >> 4 !== 4) return 'malformed ICMP';
  const headerLength = (getUint8(bytes, quoted) & 15) * 4;
  const payload = quoted + headerLength;
  if (headerLength < ipv4HeaderLength || end - payload < 8) return 'malformed ICMP';
  if ((getUint16(bytes, quoted + 6) & 0x1fff) !== 0) return 'ICMP ignored'; // no ports in a later fragment
  into.protocol = getUint8(bytes, quoted + 9);
  into.local = quotedSource(bytes, quoted);
  into.remote = quotedDestination(bytes, quoted);
  into.localPort = getUint16(bytes, payload);
  into.remotePort = getUint16(bytes, payload + 2);
  into.seq = toSeq(getUint32(bytes, payload + 4));
  into.mtu = -1;
  into.isHard = false;
  into.error = 'EHOSTUNREACH';
  if (type === icmp.timeExceeded) return 'report';
  if (type === icmp.parameterProblem) {
    into.error = 'EPROTONOSUPPORT';
    return 'report';
  }
  switch (getUint8(bytes, start + 1)) {
    case icmp.networkUnreachable:
      into.error = 'ENETUNREACH';
      break;
    case icmp.protocolUnreachable:
      into.error = 'ENOPROTOOPT';
      into.isHard = true;
      break;
    case icmp.portUnreachable:
      into.error = 'ECONNREFUSED';
      into.isHard = true;
      break;
    case icmp.fragmentationNeeded:
      into.error = 'EMSGSIZE';
      into.mtu = getUint16(bytes, start + 6); // RFC 1191 section 4
      break;
    default: // host unreachable, source route failed and the administrative codes: soft
      break;
  }
  return 'report';
}
