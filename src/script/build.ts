import { checksumOf, joined, pattern, pseudoHeader, put16, put32 } from './bytes.ts';
import type { Connection } from './connection.ts';
import { icmpNumbers } from './icmp-names.ts';
import { ACK, optionNumbers, SYN } from './packet.ts';
import type { Family, IcmpSpec, IpSpec, OptionSpec, PacketSpec, TcpSpec, UdpSpec } from './syntax.ts';

/** Builds the packets that a script's peer sends. Numbers of the tested host become the real ones on the way. */

/** The addresses of a run. */
export interface Ends {
  readonly family: Family;
  readonly host: Uint8Array;
  readonly peer: Uint8Array;
  /** The Fast Open cookie that the host gave last. */
  readonly cookie: Uint8Array;
}

/** @throws Error when the family has no such packet */
export function buildPacket(spec: PacketSpec, connection: Connection, ends: Ends): Uint8Array {
  if (spec.kind === 'tcp')
    return wrap(spec.ip, ends, protocols.tcp, buildSegment(spec, connection, ends), spec.ip.badChecksum);
  if (spec.kind === 'udp')
    return wrap(spec.ip, ends, protocols.udp, buildDatagram(spec, connection), spec.ip.badChecksum);
  const { bytes, protocol } = buildMessage(spec, connection, ends);
  return wrap(spec.ip, ends, protocol, bytes, spec.ip.badChecksum);
}

const protocols = { icmp: 1, tcp: 6, udp: 17, icmpv6: 58 } as const;
/** Where each has its checksum. */
const checksumPlaces: Readonly<Record<number, number>> = { 1: 2, 6: 16, 17: 6, 58: 2 };

function wrap(ip: IpSpec, ends: Ends, protocol: number, body: Uint8Array, isSumBad: boolean): Uint8Array {
  const place = checksumPlaces[protocol]!;
  const pseudo = pseudoHeader(ends.peer, ends.host, protocol, body.length);
  put16(body, place, 0);
  const sum = protocol === protocols.icmp ? checksumOf(body) : checksumOf(pseudo, body);
  put16(body, place, isSumBad ? sum ^ 0x5555 : protocol === protocols.udp && sum === 0 ? 0xffff : sum);
  const header = ipHeader(ends.peer, ends.host, protocol, body.length, ip);
  return joined(header, body);
}

function ipHeader(
  source: Uint8Array,
  destination: Uint8Array,
  protocol: number,
  length: number,
  { tos, ecn, ttl, df }: Pick<IpSpec, 'tos' | 'ecn' | 'ttl' | 'df'>,
): Uint8Array {
  const trafficClass = tos ?? ecn ?? 0;
  if (source.length === 16) {
    const header = new Uint8Array(40);
    put32(header, 0, 0x60000000 + trafficClass * 0x100000);
    put16(header, 4, length);
    header[6] = protocol;
    header[7] = ttl ?? usualTtl;
    header.set(source, 8);
    header.set(destination, 24);
    return header;
  }
  const header = new Uint8Array(20);
  header[0] = 0x45;
  header[1] = trafficClass;
  put16(header, 2, 20 + length);
  if (df ?? false) header[6] = 0x40;
  header[8] = ttl ?? usualTtl;
  header[9] = protocol;
  header.set(source, 12);
  header.set(destination, 16);
  put16(header, 10, checksumOf(header));
  return header;
}

const usualTtl = 255;

function buildSegment(spec: TcpSpec, connection: Connection, ends: Ends): Uint8Array {
  const { flags, seq, length, ack, win, urg, ip } = spec;
  const options = buildOptions(Array.isArray(spec.options) ? spec.options : [], connection, ends);
  const header = new Uint8Array(20 + options.length);
  put16(header, 0, connection.peerPort);
  put16(header, 2, connection.hostPort);
  put32(header, 4, seq >>> 0);
  put32(header, 8, ack === null ? 0 : connection.toWireSeq(ack));
  put16(header, 12, (((ip.headerLength ?? header.length) >> 2) << 12) | flags);
  put16(header, 14, win ?? usualWindow);
  put16(header, 18, urg ?? 0);
  header.set(options, 20);
  return joined(header, spec.payload ?? pattern(streamOffset(seq, flags, connection.peerStart), length));
}

const usualWindow = 0xffff;

/** Which octet of its stream a segment's text begins with. */
export function streamOffset(seq: number, flags: number, start: number): number {
  const offset = (seq + ((flags & SYN) === 0 ? 0 : 1) - start) | 0;
  return ((offset % 251) + 251) % 251; // of text from before the beginning too
}

function buildOptions(options: readonly OptionSpec[], connection: Connection, ends: Ends): Uint8Array {
  const bytes = joined(...options.map((option) => buildOption(option, connection, ends)));
  const padded = new Uint8Array((bytes.length + 3) & ~3); // zeros: end of list
  padded.set(bytes);
  return padded;
}

function buildOption(option: OptionSpec, connection: Connection, ends: Ends): Uint8Array {
  if (option.kind === 'nop' || option.kind === 'eol') return Uint8Array.of(optionNumbers[option.kind]);
  const data = optionData(option, connection, ends);
  const number = option.kind === 'other' ? option.number : optionNumbers[option.kind];
  return joined(Uint8Array.of(number, data.length + 2), data);
}

function optionData(option: OptionSpec, connection: Connection, { cookie }: Ends): Uint8Array {
  switch (option.kind) {
    case 'mss':
      return numbers(2, option.value!);
    case 'wscale':
      return numbers(1, option.value!);
    case 'TS':
      return numbers(4, option.val!, connection.toWireTs(option.ecr!));
    case 'sack':
      return numbers(4, ...option.blocks.flat().map((edge) => connection.toWireSeq(edge)));
    case 'FO':
      return option.cookie === 'given' ? cookie : option.cookie!;
    case 'FOEXP':
      return joined(numbers(2, 0xf989), option.cookie === 'given' ? cookie : option.cookie!);
    case 'other':
      return option.data;
    default:
      return new Uint8Array();
  }
}

function numbers(size: 1 | 2 | 4, ...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(size * values.length);
  values.forEach((value, index) => {
    if (size === 1) bytes[index] = value;
    else if (size === 2) put16(bytes, index * 2, value);
    else put32(bytes, index * 4, value >>> 0);
  });
  return bytes;
}

function buildDatagram({ length, payload }: UdpSpec, connection: Connection): Uint8Array {
  const header = new Uint8Array(8);
  put16(header, 0, connection.peerPort);
  put16(header, 2, connection.hostPort);
  put16(header, 4, 8 + length);
  return joined(header, payload ?? pattern(0, length));
}

/** An ICMP error about a packet of the tested host: its IP header and the first 20 octets behind it. */
function buildMessage(spec: IcmpSpec, connection: Connection, ends: Ends) {
  const found = icmpNumbers(spec.type, spec.code, ends.family);
  if (found === null)
    throw new Error(`IPv${ends.family} has no message '${[spec.type, spec.code ?? ''].join(' ').trim()}'`);
  const { protocol, seq, length } = spec.quote!;
  const quote = new Uint8Array(protocol === 'tcp' ? 20 : 8);
  put16(quote, 0, connection.hostPort);
  put16(quote, 2, connection.peerPort);
  if (protocol === 'tcp') {
    put32(quote, 4, connection.toWireSeq(seq));
    put16(quote, 12, 0x5000 | ACK);
  } else put16(quote, 4, 8 + length);
  const plain = { tos: null, ecn: null, ttl: 64, df: true };
  const inner = ipHeader(
    ends.host,
    ends.peer,
    protocols[protocol],
    quote.length + (protocol === 'tcp' ? length : 0),
    plain,
  );
  const header = new Uint8Array(8);
  header[0] = found.type;
  header[1] = found.code;
  if (ends.family === 4) put16(header, 6, spec.mtu ?? 0);
  else put32(header, 4, spec.mtu ?? 0);
  return { bytes: joined(header, inner, quote), protocol: ends.family === 4 ? protocols.icmp : protocols.icmpv6 };
}
