import { Address, formatAddress, ipv4 } from '../base/address.ts';
import { getUint8, getUint16, getUint32 } from '../base/bytes.ts';
import { checksum, finishChecksum, pseudoHeaderSum, sumBytes } from '../base/checksum.ts';
import { type Seq, seqAdd, seqSub, seqZero, toSeq } from '../base/seq.ts';

/**
 * Any packet as one line of text in the words of `tcpdump -n`, for tools, traces and error messages.
 *
 *     IP 10.85.0.1.40222 > 10.85.0.2.80: Flags [P.], seq 1:6, ack 1, win 501, length 5
 *
 * Headers are read here once more, apart from the readers beside this file: those stop at the first thing that is wrong,
 * and this one shows it. `[|tcp]` stands where the packet ends before the header does.
 *
 * It does not look into what TCP and UDP carry, and names only the protocols that this stack speaks.
 */

export interface DescribeOptions {
  /** Say so where a checksum is wrong. Off by default: packets that wait for checksum offload have unfinished ones. */
  readonly checksums?: boolean;
}

/**
 * Describes the packet bytes[0, length). Sequence numbers are those in the packet.
 *
 * Never throws, never reads past `length`.
 */
export function describePacket(bytes: Uint8Array, length: number, options: DescribeOptions = {}): string {
  return describeIp(
    bytes,
    0,
    Math.min(length, bytes.length),
    { checksums: options.checksums ?? false, flows: null },
    0,
  );
}

/**
 * Describes the packets of a trace one after the other, with sequence numbers relative to the start of their connection.
 *
 * As in tcpdump a connection's numbers start at the first of its segments to carry an ACK, commonly the SYN-ACK, and that
 * segment, like every one without an ACK, shows the numbers that are in the packet.
 */
export class Describer {
  readonly #view: View;

  constructor(options: DescribeOptions = {}) {
    this.#view = { checksums: options.checksums ?? false, flows: new Map() };
  }

  /** Describes the packet bytes[0, length). Never throws, never reads past `length`. */
  describe(bytes: Uint8Array, length: number): string {
    return describeIp(bytes, 0, Math.min(length, bytes.length), this.#view, 0);
  }
}

/** Where the numbers of a connection start; which end is the lower one is a matter of spelling. */
interface Flow {
  low: Seq;
  high: Seq;
}

interface View {
  readonly checksums: boolean;
  /** By the two endpoints, the one used last at the end; null to show numbers as they are. */
  readonly flows: Map<string, Flow> | null;
}

/** A header and what follows it: as much as is there, and as much as the header before it promised. */
interface Layer {
  readonly bytes: Uint8Array;
  readonly at: number;
  /** What lies beyond is not part of the layer, or is missing. */
  readonly end: number;
  /** Octets promised from `at` on. */
  readonly length: number;
  readonly source: Address;
  readonly destination: Address;
  /** The addresses have been printed already: only ports are wanted. */
  readonly introduced: boolean;
  readonly fragment: boolean;
  /** All of it is there, and its pseudo-header is known. */
  readonly verifiable: boolean;
}

/** Octets that are there. */
const present = (layer: Layer): number => layer.end - layer.at;

function describeIp(bytes: Uint8Array, start: number, end: number, view: View, depth: number): string {
  if (!(end > start)) return '[|ip]';
  const version = getUint8(bytes, start) >> 4;
  if (version === 4) return `IP ${describeIpv4(bytes, start, end, view, depth)}`;
  if (version === 6) return describeIpv6(bytes, start, end, view, depth);
  return `unknown ip ${version}`;
}

function describeIpv4(bytes: Uint8Array, start: number, end: number, view: View, depth: number): string {
  if (end - start < 20) return ' [|ip]';
  const headerLength = (getUint8(bytes, start) & 15) * 4;
  if (headerLength < 20) return `bad-hlen ${headerLength}`;
  const total = getUint16(bytes, start + 2);
  if (total < headerLength) return `bad-len ${total}`;
  if (end - start < headerLength) return ' [|ip]';
  let text = '';
  const missing = total - (end - start);
  if (missing > 0) text = `truncated-ip - ${missing} bytes missing! `;
  if (view.checksums && checksum(bytes, start, start + headerLength) !== 0) {
    const found = getUint16(bytes, start + 10);
    const right = finishChecksum(sumBytes(bytes, start, start + headerLength, 0) + (~found & 0xffff));
    text += `[bad ip cksum ${hex(found)} -> ${hex(right)}!] `;
  }
  const fragmentField = getUint16(bytes, start + 6);
  const fragment = (fragmentField & 0x3fff) !== 0; // the offset, and More Fragments
  const protocol = getUint8(bytes, start + 9);
  const layer: Layer = {
    bytes,
    at: start + headerLength,
    end: Math.min(end, start + total),
    length: total - headerLength,
    source: ipv4(getUint32(bytes, start + 12)),
    destination: ipv4(getUint32(bytes, start + 16)),
    introduced: false,
    fragment,
    verifiable: missing <= 0 && !fragment,
  };
  if ((fragmentField & 0x1fff) !== 0) return `${text}${hosts(layer)}ip-proto-${protocol}`;
  return text + describeIpPayload(layer, protocol, 4, view, depth);
}

function describeIpv6(bytes: Uint8Array, start: number, end: number, view: View, depth: number): string {
  if (end - start < 40) return ' [|ip6]';
  const source = addressAt(bytes, start + 8);
  const destination = addressAt(bytes, start + 24);
  let next = getUint8(bytes, start + 6);
  let length = getUint16(bytes, start + 4);
  if (length === 0 && next === hopByHop) length = end - start - 40; // a jumbogram (RFC 2675)
  const missing = length - (end - start - 40);
  let text = missing > 0 ? `IP6 truncated-ip6 - ${missing} bytes missing! ` : 'IP6 ';
  const payloadEnd = start + 40 + length;
  const limit = Math.min(end, payloadEnd);

  let at = start + 40;
  let introduced = false;
  let fragment = false;
  let destinationKnown = true;
  const layer = (): Layer => ({
    bytes,
    at,
    end: limit,
    length: payloadEnd - at,
    source,
    destination,
    introduced,
    fragment,
    verifiable: missing <= 0 && !fragment && destinationKnown,
  });
  for (;;) {
    const name = extensionNames.get(next);
    if (name === undefined) return text + describeIpPayload(layer(), next, 6, view, depth);
    if (!introduced) text += hosts(layer());
    introduced = true;
    if (limit - at < 8) return `${text} [|${name}]`;
    const after = getUint8(bytes, at);
    let size = 8;
    if (next === fragmentHeader) {
      const field = getUint16(bytes, at + 2);
      fragment ||= (field & 0xfff9) !== 0; // an atomic fragment (RFC 6946) is whole
      text += `frag (${field & 0xfff8}|${payloadEnd - at - 8})`;
      if ((field & 0xfff8) !== 0) return text;
      text += ' ';
    } else {
      size += getUint8(bytes, at + 1) * 8;
      if (limit - at < size) return `${text} [|${name}]`;
      text += next === routing ? describeRouting(bytes, at) : next === hopByHop ? 'HBH ' : 'DSTOPT ';
      if (next === routing && getUint8(bytes, at + 3) !== 0) destinationKnown = false;
    }
    next = after;
    at += size;
  }
}

const describeRouting = (bytes: Uint8Array, at: number): string =>
  `RT6 (len=${getUint8(bytes, at + 1)}, type=${getUint8(bytes, at + 2)}, segleft=${getUint8(bytes, at + 3)}) `;

function describeIpPayload(layer: Layer, protocol: number, version: 4 | 6, view: View, depth: number): string {
  if (protocol === tcp) return describeTcp(layer, view);
  if (protocol === udp) return describeUdp(layer, view);
  const text = layer.introduced ? '' : hosts(layer);
  if (protocol === icmpv4) {
    return text + (version === 4 ? describeIcmpv4(layer, view) : '[ICMP requires IPv4] (invalid)');
  }
  if (protocol === icmpv6) {
    return text + (version === 6 ? describeIcmpv6(layer, view) : '[ICMPv6 requires IPv6] (invalid)');
  }
  if (protocol === noNextHeader) return `${text}no next header`;
  if ((protocol === ipInIp || protocol === ipv6InIp) && depth < deepest && present(layer) > 0) {
    return text + describeIp(layer.bytes, layer.at, layer.end, view, depth + 1);
  }
  return `${text} ip-proto-${protocol} ${layer.length}`;
}

function describeUdp(layer: Layer, view: View): string {
  const { bytes, at } = layer;
  if (present(layer) < 4) return `${layer.introduced ? '' : hosts(layer)} [|udp]`;
  const text = endpoints(layer);
  if (layer.length < 8) return `${text}truncated-udp ${layer.length}`;
  if (present(layer) < 8) return `${text} [|udp]`;
  const length = getUint16(bytes, at + 4);
  if (length < 8) return `${text}truncated-udplength ${length}`;
  if (length > layer.length && !layer.fragment) {
    return `${text}UDP, bad length ${length - 8} > ${layer.length - 8}`;
  }
  let note = '';
  const field = getUint16(bytes, at + 6);
  if (view.checksums && layer.verifiable && (field !== 0 || !layer.source.isV4)) {
    let right = transportChecksum(layer, udp, length, 6);
    if (right === 0) right = 0xffff; // zero means "none" (RFC 768)
    if (field !== right) note = `[bad udp cksum ${hex(field)} -> ${hex(right)}!] `;
  }
  return `${text}${note}UDP, length ${length - 8}`;
}

function describeTcp(layer: Layer, view: View): string {
  const { bytes, at } = layer;
  if (present(layer) < 4) return `${layer.introduced ? '' : hosts(layer)}[|tcp]`;
  const text = endpoints(layer);
  if (present(layer) < 20) return `${text} [|tcp]`;
  const headerLength = (getUint8(bytes, at + 12) >> 4) * 4;
  const textLength = layer.length - headerLength;
  if (headerLength < 20) return `${text} tcp ${textLength} [bad hdr length ${headerLength} - too short, < 20]`;
  const flags = getUint8(bytes, at + 13);
  let seq = toSeq(getUint32(bytes, at + 4));
  let ack = toSeq(getUint32(bytes, at + 8));
  const bases = relate(layer, flags, seq, ack, view);
  seq = seqAdd(seq, -bases.seq);
  ack = seqAdd(ack, -bases.ack);

  let line = `${text}Flags [${flagLetters(flags)}]`;
  if (textLength < 0) return `${line} [bad hdr length ${headerLength} - too long, > ${layer.length}]`;
  if (view.checksums && layer.verifiable) {
    const field = getUint16(bytes, at + 16);
    const right = transportChecksum(layer, tcp, layer.length, 16);
    if (field !== right) line += `, cksum ${hex(field)} (incorrect -> ${hex(right)})`;
  }
  if (textLength > 0 || (flags & (SYN | FIN | RST)) !== 0) line += `, seq ${seq >>> 0}`;
  if (textLength > 0) line += `:${seqAdd(seq, textLength) >>> 0}`;
  if ((flags & ACK) !== 0) line += `, ack ${ack >>> 0}`;
  line += `, win ${getUint16(bytes, at + 14)}`;
  if ((flags & URG) !== 0) line += `, urg ${getUint16(bytes, at + 18)}`;
  if (headerLength > 20) {
    const options: string[] = [];
    const fault = listOptions(layer, at + headerLength, bases.sack, options);
    line += `, options [${options.join(',')}`;
    if (fault !== '') return line + fault;
    line += ']';
  }
  return `${line}, length ${textLength}`;
}

/** What to take off the numbers of a segment. Those in SACK blocks are the receiver's, as the acknowledgment is. */
interface Bases {
  readonly seq: Seq;
  readonly ack: Seq;
  readonly sack: Seq;
}

const noBases: Bases = { seq: seqZero, ack: seqZero, sack: seqZero };

/** Finds where a segment's numbers start. It is the connection's first, or a new SYN-ACK: then its own say so. */
function relate(layer: Layer, flags: number, seq: Seq, ack: Seq, view: View): Bases {
  const flows = view.flows;
  if (flows === null || (flags & ACK) === 0) return noBases;
  const from = `${formatAddress(layer.source)}.${getUint16(layer.bytes, layer.at)}`;
  const to = `${formatAddress(layer.destination)}.${getUint16(layer.bytes, layer.at + 2)}`;
  const upward = from < to;
  const name = upward ? `${from} ${to}` : `${to} ${from}`;

  let flow = flows.get(name);
  const starts = flow === undefined || (flags & SYN) !== 0;
  if (flow === undefined || starts) {
    const other = seqAdd(ack, -1);
    flow = upward ? { low: seq, high: other } : { low: other, high: seq };
  }
  flows.delete(name); // put in again at the end: the first of a Map is the one used longest ago
  flows.set(name, flow);
  if (flows.size > flowLimit) {
    for (const oldest of flows.keys()) {
      flows.delete(oldest);
      break;
    }
  }
  const peer = upward ? flow.high : flow.low;
  return starts ? { ...noBases, sack: peer } : { seq: upward ? flow.low : flow.high, ack: peer, sack: peer };
}

/**
 * Adds the options between the fixed header and `end` to `into`.
 * @returns how the list breaks off, or '' when it is sound
 */
function listOptions(layer: Layer, end: number, sackBase: Seq, into: string[]): string {
  const { bytes } = layer;
  const broken = (how: string): string => (into.length === 0 ? how : `,${how}`);
  let at = layer.at + 20;
  while (at < end) {
    if (at >= layer.end) return broken(' [|tcp]');
    const kind = getUint8(bytes, at);
    if (kind === 0) {
      into.push('eol');
      return '';
    }
    if (kind === 1) {
      into.push('nop');
      at++;
      continue;
    }
    if (at + 1 >= layer.end) return broken(' [|tcp]');
    const length = getUint8(bytes, at + 1);
    if (length < 2 || at + length > end) return broken(into.length === 0 ? '[bad opt]' : '[bad opt]]'); // so tcpdump has it
    if (at + length > layer.end) return broken(' [|tcp]');
    into.push(describeOption(bytes, at, kind, length, sackBase));
    at += length;
  }
  return '';
}

function describeOption(bytes: Uint8Array, at: number, kind: number, length: number, sackBase: Seq): string {
  const value = at + 2;
  if (kind === 2 && length === 4) return `mss ${getUint16(bytes, value)}`;
  if (kind === 3 && length === 3) return `wscale ${getUint8(bytes, value)}`;
  if (kind === 4 && length === 2) return 'sackOK';
  if (kind === 5 && (length & 7) === 2) {
    let blocks = '';
    for (let block = value; block < at + length; block += 8) {
      const left = seqSub(toSeq(getUint32(bytes, block)), sackBase) >>> 0;
      const right = seqSub(toSeq(getUint32(bytes, block + 4)), sackBase) >>> 0;
      blocks += `{${left}:${right}}`;
    }
    return `sack ${(length - 2) >> 3} ${blocks}`;
  }
  if (kind === 8 && length === 10) return `TS val ${getUint32(bytes, value)} ecr ${getUint32(bytes, value + 4)}`;
  let octets = length > 2 ? ' 0x' : '';
  for (let octet = value; octet < at + length; octet++) octets += getUint8(bytes, octet).toString(16).padStart(2, '0');
  return `${optionNames[kind] ?? `unknown-${kind}`}${octets}`;
}

/** One letter each, in the order of the bits: FIN, SYN, RST, PSH, ACK, URG, ECE, CWR. */
function flagLetters(flags: number): string {
  let letters = '';
  for (let bit = 0; bit < 8; bit++) if ((flags & (1 << bit)) !== 0) letters += 'FSRP.UEW'[bit];
  return letters === '' ? 'none' : letters;
}

function describeIcmpv4(layer: Layer, view: View): string {
  const { bytes, at } = layer;
  if (present(layer) < 8) return ' [|icmp]';
  const words = icmpv4Words(layer);
  if (words === null) return ' [|icmp]';
  let note = '';
  if (view.checksums && layer.verifiable && checksum(bytes, at, layer.end) !== 0) {
    const field = getUint16(bytes, at + 2);
    const right = finishChecksum(sumBytes(bytes, at, layer.end, 0) + (~field & 0xffff));
    note = ` (wrong icmp cksum ${field.toString(16)} (->${right.toString(16)})!)`;
  }
  return `ICMP ${words}, length ${layer.length}${note}`;
}

/** @returns null when the packet ends before what the message needs */
function icmpv4Words(layer: Layer): string | null {
  const { bytes, at } = layer;
  const type = getUint8(bytes, at);
  const code = getUint8(bytes, at + 1);
  const idAndSeq = (): string => `id ${getUint16(bytes, at + 4)}, seq ${getUint16(bytes, at + 6)}`;
  switch (type) {
    case 0:
      return `echo reply, ${idAndSeq()}`;
    case 3:
      return present(layer) < 28 ? null : unreachableWords(layer, code);
    case 4:
      return 'source quench';
    case 5: {
      if (present(layer) < 28) return null;
      const to = `${addressV4At(bytes, at + 24)} to`;
      const gateway = addressV4At(bytes, at + 4);
      if (code > 3) return `redirect-#${code} ${to} ${gateway}`;
      return `redirect${code > 1 ? '-tos' : ''} ${to} ${(code & 1) === 0 ? 'net' : 'host'} ${gateway}`;
    }
    case 8:
      return `echo request, ${idAndSeq()}`;
    case 11:
      if (code === 0) return 'time exceeded in-transit';
      return code === 1 ? 'ip reassembly time exceeded' : `time exceeded-#${code}`;
    case 12:
      return `parameter problem - ${code === 0 ? `octet ${getUint8(bytes, at + 4)}` : `code ${code}`}`;
    default:
      return icmpv4Names.get(type) ?? `type-#${type}`;
  }
}

/** Destination Unreachable names the destination of the datagram quoted from octet 8 on. */
function unreachableWords(layer: Layer, code: number): string | null {
  const { bytes, at } = layer;
  const quote = at + 8;
  const host = addressV4At(bytes, quote + 16);
  const protocol = getUint8(bytes, quote + 9);
  if (code === 2) return `${host} protocol ${protocol} unreachable`;
  if (code === 3) {
    const port = quote + (getUint8(bytes, quote) & 15) * 4 + 2;
    if (port + 2 > layer.end) return null;
    const name = protocol === tcp ? 'tcp' : protocol === udp ? 'udp' : `protocol ${protocol}`;
    return `${host} ${name} port ${getUint16(bytes, port)} unreachable`;
  }
  if (code === 4) {
    const mtu = getUint16(bytes, at + 6);
    return `${host} unreachable - need to frag${mtu === 0 ? '' : ` (mtu ${mtu})`}`;
  }
  const [before, after] = unreachables[code] ?? ['', ` - #${code}`];
  return `${before}${host} unreachable${after}`;
}

function describeIcmpv6(layer: Layer, view: View): string {
  const { bytes, at } = layer;
  if (layer.length === 0) return 'ICMP6, length 0 (invalid)';
  if (present(layer) === 0) return 'ICMP6 [|icmp6]';
  const type = getUint8(bytes, at);
  const name = icmpv6Names.get(type) ?? `unknown icmp6 type (${type})`;
  const details = present(layer) < 8 ? null : icmpv6Details(layer, type, getUint8(bytes, at + 1));
  let note = '';
  if (view.checksums && layer.verifiable && present(layer) >= 4) {
    const field = getUint16(bytes, at + 2);
    const right = transportChecksum(layer, icmpv6, layer.length, 2);
    if (field !== right) note = `[bad icmp6 cksum ${hex(field)} -> ${hex(right)}!] `;
  }
  if (details === null) return `${note}ICMP6, ${name} [|icmp6]`;
  return `${note}ICMP6, ${name}${details}, length ${layer.length}`;
}

/** @returns null when the packet ends before what the message needs */
function icmpv6Details(layer: Layer, type: number, code: number): string | null {
  const { bytes, at } = layer;
  const room = present(layer);
  switch (type) {
    case 1:
      return unreachableV6Details(layer, code);
    case 2:
      return `, mtu ${getUint32(bytes, at + 4)}`;
    case 3:
      if (code === 1) return ' in-transit (reassembly)';
      if (code > 1) return ` in-transit, unknown code (${code})`;
      return room < 48 ? null : ` in-transit for ${formatAddress(addressAt(bytes, at + 32))}`;
    case 4: {
      const problem = parameterProblems[code];
      return problem === undefined ? `, code-#${code}` : `, ${problem} - octet ${getUint32(bytes, at + 4)}`;
    }
    case 128:
    case 129:
      return `, id ${getUint16(bytes, at + 4)}, seq ${getUint16(bytes, at + 6)}`;
    case 135:
      return room < 24 ? null : `, who has ${formatAddress(addressAt(bytes, at + 8))}`;
    case 136:
      return room < 24 ? null : `, tgt is ${formatAddress(addressAt(bytes, at + 8))}`;
    case 143:
      return `, ${getUint16(bytes, at + 6)} group record(s)`;
    default:
      return '';
  }
}

function unreachableV6Details(layer: Layer, code: number): string | null {
  const { bytes, at, end } = layer;
  const quote = at + 8;
  if (code > 4) return `, unknown unreach code (${code})`;
  if (end - quote < 40) return null;
  const host = formatAddress(addressAt(bytes, quote + 24));
  if (code === 0) return `, unreachable route ${host}`;
  if (code === 1) return `,  unreachable prohibited ${host}`;
  if (code === 2) return `, beyond scope ${host}, source address ${formatAddress(addressAt(bytes, quote + 8))}`;
  if (code === 3) return `, unreachable address ${host}`;
  let next = getUint8(bytes, quote + 6);
  let header = quote + 40;
  while (extensionNames.has(next)) {
    if (end - header < 8) return null;
    const size = next === fragmentHeader ? 8 : 8 + getUint8(bytes, header + 1) * 8;
    next = getUint8(bytes, header);
    header += size;
  }
  if (next !== tcp && next !== udp) return `, unreachable port, ${host} protocol ${next}`;
  if (end - header < 4) return null;
  return `, unreachable port, ${host} ${next === tcp ? 'tcp' : 'udp'} port ${getUint16(bytes, header + 2)}`;
}

/** What the checksum field at `field` of the layer should hold. */
function transportChecksum(layer: Layer, protocol: number, length: number, field: number): number {
  const pseudo = pseudoHeaderSum(layer.source, layer.destination, protocol, length);
  const found = getUint16(layer.bytes, layer.at + field);
  return finishChecksum(sumBytes(layer.bytes, layer.at, layer.at + length, pseudo) + (~found & 0xffff));
}

const hosts = (layer: Layer): string => `${formatAddress(layer.source)} > ${formatAddress(layer.destination)}: `;

function endpoints(layer: Layer): string {
  const from = getUint16(layer.bytes, layer.at);
  const to = getUint16(layer.bytes, layer.at + 2);
  if (layer.introduced) return `${from} > ${to}: `;
  return `${formatAddress(layer.source)}.${from} > ${formatAddress(layer.destination)}.${to}: `;
}

const addressAt = (bytes: Uint8Array, at: number): Address =>
  new Address(getUint32(bytes, at), getUint32(bytes, at + 4), getUint32(bytes, at + 8), getUint32(bytes, at + 12));

const addressV4At = (bytes: Uint8Array, at: number): string => formatAddress(ipv4(getUint32(bytes, at)));

const hex = (value: number): string => `0x${value.toString(16).padStart(4, '0')}`;

/** Connections that a describer remembers. */
const flowLimit = 1024;

/** Packets within packets. */
const deepest = 8;

const FIN = 0x01;
const SYN = 0x02;
const RST = 0x04;
const ACK = 0x10;
const URG = 0x20;

/** Protocol numbers, and IPv6 extension headers by number. */
const icmpv4 = 1;
const ipInIp = 4;
const tcp = 6;
const udp = 17;
const ipv6InIp = 41;
const icmpv6 = 58;
const noNextHeader = 59;
const hopByHop = 0;
const routing = 43;
const fragmentHeader = 44;
const destinationOptions = 60;
const extensionNames: ReadonlyMap<number, string> = new Map([
  [hopByHop, 'hbhopt'],
  [routing, 'rthdr'],
  [fragmentHeader, 'frag'],
  [destinationOptions, 'dstopt'],
]);

/** Options whose length is wrong keep their name. */
const optionNames: Readonly<Record<number, string>> = { 2: 'mss', 3: 'wscale', 4: 'sackOK', 5: 'sack', 8: 'TS' };

/** By code of Destination Unreachable: what stands before and after the quoted destination. */
const unreachables: readonly (readonly [before: string, after: string] | undefined)[] = [
  ['net ', ''],
  ['host ', ''],
  undefined,
  undefined,
  undefined,
  ['', ' - source route failed'],
  ['net ', ' - unknown'],
  ['host ', ' - unknown'],
  ['', ' - source host isolated'],
  ['net ', ' - admin prohibited'],
  ['host ', ' - admin prohibited'],
  ['net ', ' - tos prohibited'],
  ['host ', ' - tos prohibited'],
  ['host ', ' - admin prohibited filter'],
  ['host ', ' - host precedence violation'],
  ['host ', ' - precedence cutoff'],
];

const icmpv4Names: ReadonlyMap<number, string> = new Map([
  [9, 'router advertisement'],
  [10, 'router solicitation'],
  [13, 'time stamp query'],
  [14, 'time stamp reply'],
  [15, 'information request'],
  [16, 'information reply'],
  [17, 'address mask request'],
  [18, 'address mask reply'],
]);

const icmpv6Names: ReadonlyMap<number, string> = new Map([
  [1, 'destination unreachable'],
  [2, 'packet too big'],
  [3, 'time exceeded'],
  [4, 'parameter problem'],
  [128, 'echo request'],
  [129, 'echo reply'],
  [130, 'multicast listener query'],
  [131, 'multicast listener report'],
  [132, 'multicast listener done'],
  [133, 'router solicitation'],
  [134, 'router advertisement'],
  [135, 'neighbor solicitation'],
  [136, 'neighbor advertisement'],
  [137, 'redirect'],
  [143, 'multicast listener report v2'],
]);

const parameterProblems: readonly string[] = ['erroneous', 'next header', 'option', 'incomplete header chain'];
