import { getUint8, getUint16, setUint8, setUint16 } from '../base/bytes.ts';
import { checksum, finishChecksum, pseudoHeaderSum, sumBytes, updateChecksum } from '../base/checksum.ts';
import type { Counters, DropReason } from '../base/counters.ts';
import { type Datagram, protocolIcmpv6 } from '../wire/datagram.ts';
import * as v4 from '../wire/icmpv4.ts';
import * as v6 from '../wire/icmpv6.ts';
import { type IcmpReport, readReportV4, readReportV6 } from './report.ts';

/** What has to be done about a message: send this echo reply, tell who sent what is reported, answer about groups; or nothing. */
export type IcmpOutcome = Uint8Array | 'report' | 'group query' | DropReason;

/** Takes in an ICMPv4 message (RFC 792, RFC 1122 section 3.2.2). */
export function acceptIcmp(datagram: Datagram, report: IcmpReport, counters: Counters): IcmpOutcome {
  const { bytes, payloadStart: start, payloadEnd: end } = datagram;
  counters.icmpInMsgs++;
  if (end - start < v4.icmpHeaderLength) return 'malformed ICMP';
  if (checksum(bytes, start, end) !== 0) return 'bad ICMP checksum';
  switch (getUint8(bytes, start)) {
    case v4.echoRequest:
      if (datagram.toMany) return 'ICMP ignored'; // RFC 1122 section 3.2.2.6 allows silence; so does Linux by default
      counters.icmpInEchos++;
      return makeEchoReply(bytes, start, end, v4.echoReply);
    case v4.destinationUnreachable:
    case v4.timeExceeded:
    case v4.parameterProblem:
      return readReportV4(bytes, start, end, report);
    default: // redirects (the user sets the routes), source quench (MUST-55), timestamps and masks (RFC 6918)
      return 'ICMP ignored';
  }
}

/** Takes in an ICMPv6 message (RFC 4443). Neighbour discovery means nothing on links without link-layer addresses: ignored. */
export function acceptIcmpv6(datagram: Datagram, report: IcmpReport, counters: Counters): IcmpOutcome {
  const { bytes, payloadStart: start, payloadEnd: end, source, destination } = datagram;
  counters.icmpInMsgs++;
  if (end - start < v4.icmpHeaderLength) return 'malformed ICMP';
  const sum = pseudoHeaderSum(source, destination, protocolIcmpv6, end - start);
  if (finishChecksum(sumBytes(bytes, start, end, sum)) !== 0) return 'bad ICMP checksum';
  const type = getUint8(bytes, start);
  if (v6.isIcmpv6Error(type)) return readReportV6(bytes, start, end, report); // unknown ones as well: section 2.4 (a)
  switch (type) {
    case v6.echoRequest6: // also to a group: section 4.2 leaves it open, and Linux answers
      counters.icmpInEchos++;
      return makeEchoReply(bytes, start, end, v6.echoReply6);
    case v6.groupQuery:
      return datagram.ttl === 1 ? 'group query' : 'ICMP ignored'; // RFC 3810 section 6.2: from this very link
    default:
      return 'ICMP ignored';
  }
}

/**
 * The same identifier, sequence number and data go back (RFC 1122 section 3.2.2.6). The checksum changes by the type
 * alone: the pseudo-header of ICMPv6 has the same sum with its addresses exchanged.
 */
function makeEchoReply(bytes: Uint8Array, start: number, end: number, type: number): Uint8Array {
  const reply = bytes.slice(start, end);
  setUint8(reply, 0, type);
  const before = getUint16(bytes, start);
  setUint16(reply, 2, updateChecksum(getUint16(bytes, start + 2), before, (type << 8) | (before & 0xff)));
  return reply;
}
