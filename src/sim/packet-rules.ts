import { flags, fold, type PacketView, protocols, sum } from './packet-view.ts';

/**
 * What every packet that a host sends must look like (invariant 9) and whom it may answer (invariant 7): header lengths,
 * checksums, the options of TCP, no reset or ICMP error to many. Packets that a host only passes on, or that its user has
 * written with a raw socket, are the business of their makers.
 */

/** What is wrong with a packet that is about to leave, or null. `length` is what the stack says that it has written. */
export function faultOf(packet: PacketView, length: number): string | null {
  if (!packet.isReadable) return 'cannot be read';
  if (packet.length !== length) return `is ${length} octets long and says ${packet.length}`;
  const fault = packet.isV4 ? faultOfV4(packet) : faultOfV6(packet);
  if (fault !== null || packet.isPiece) return fault;
  if (packet.sums === 'bad') return 'has a bad checksum';
  switch (packet.protocol) {
    case protocols.tcp:
      return faultOfTcp(packet);
    case protocols.udp:
      if (packet.sums === 'unknown') return 'has a wrong UDP length';
      return !packet.isV4 && packet.bytes.getUint16(packet.transportAt + 6) === 0 ? 'has no UDP checksum' : null;
    default:
      return null;
  }
}

function faultOfV4({ bytes, sourceAt, destinationAt }: PacketView): string | null {
  const header = (bytes.getUint8(0) & 15) * 4;
  const fragment = bytes.getUint16(6);
  if (fold(sum(bytes, 0, header, 0)) !== 0xffff) return 'has a bad header checksum';
  if (bytes.getUint8(8) === 0) return 'has no hops left';
  if ((fragment & 0x8000) !== 0) return 'has the reserved bit';
  if ((fragment & 0x4000) !== 0 && (fragment & 0x3fff) !== 0) return 'is a piece and must not be cut';
  if (bytes.getUint8(sourceAt) >= 224) return 'comes from many';
  if (bytes.getUint32(destinationAt) === 0) return 'goes nowhere';
  return null;
}

function faultOfV6({ bytes, sourceAt, destinationAt }: PacketView): string | null {
  if (bytes.getUint8(7) === 0) return 'has no hops left';
  if (bytes.getUint8(sourceAt) === 0xff) return 'comes from many';
  if (isZero(bytes, destinationAt, destinationAt + 16)) return 'goes nowhere';
  return null;
}

function faultOfTcp(packet: PacketView): string | null {
  const { bytes, transportAt: at } = packet;
  const isSyn = packet.has(flags.SYN);
  if ((bytes.getUint8(at + 12) & 15) !== 0) return 'has reserved bits';
  if (packet.sourcePort === 0 || packet.destinationPort === 0) return 'has no port';
  if (isSyn && packet.has(flags.RST | flags.FIN)) return 'opens and closes';
  if (!isSyn && !packet.has(flags.RST | flags.ACK)) return 'has neither SYN nor RST nor ACK';
  if (!packet.has(flags.ACK) && packet.ack !== 0) return 'acknowledges without ACK';
  if (!packet.has(flags.URG) && bytes.getUint16(at + 18) !== 0) return 'has an urgent pointer without URG';
  if (packet.has(flags.RST) && isToMany(packet, packet.destinationAt, packet.isV4)) return 'is a reset to many';
  return faultOfOptions(packet, isSyn);
}

/** Kinds that may stand in a SYN only, with their lengths, and those that may stand anywhere. */
const synOptions: ReadonlyMap<number, number> = new Map([
  [2, 4],
  [3, 3],
  [4, 2],
]);
const timestamps = 8;
const sack = 5;
const fastOpen = 34;

function faultOfOptions({ bytes, transportAt, textAt, ack }: PacketView, isSyn: boolean): string | null {
  for (let at = transportAt + 20; at < textAt; ) {
    const kind = bytes.getUint8(at);
    if (kind === 0) return isZero(bytes, at, textAt) ? null : 'has octets behind the end of its options'; // MUST-69
    if (kind === 1) {
      at++;
      continue;
    }
    const length = at + 1 < textAt ? bytes.getUint8(at + 1) : 0;
    if (length < 2 || at + length > textAt) return 'has an option without an end';
    const ofSyn = synOptions.get(kind);
    if (ofSyn !== undefined) {
      if (!isSyn) return `has option ${kind} without SYN`; // MUST-65
      if (length !== ofSyn) return `has option ${kind} of ${length} octets`;
      if (kind === 3 && bytes.getUint8(at + 2) > 14) return 'has a window scale beyond 14';
    } else if (kind === timestamps) {
      if (length !== 10) return 'has bad timestamps';
    } else if (kind === sack) {
      const fault = isSyn ? 'has SACK blocks in a SYN' : faultOfSack(bytes, at, length, ack);
      if (fault !== null) return fault;
    } else if (kind !== fastOpen || !isSyn) return `has option ${kind}`;
    at += length;
  }
  return null;
}

/** RFC 2018: blocks are not empty, and lie behind what is acknowledged; RFC 2883: but for the first, which may not. */
function faultOfSack(bytes: DataView, at: number, length: number, ack: number): string | null {
  if (length < 10 || (length - 2) % 8 !== 0) return 'has bad SACK blocks';
  for (let block = at + 2; block < at + length; block += 8) {
    const left = bytes.getUint32(block);
    if (((bytes.getUint32(block + 4) - left) | 0) <= 0) return 'has an empty SACK block';
    if (block > at + 2 && ((left - ack) | 0) <= 0) return 'has a SACK block of what is acknowledged';
  }
  return null;
}

/** The kinds of packets that answer somebody who has not asked for a connection. */
export type Reply = 'reset' | 'ICMP error' | 'echo reply';

export function replyKind(packet: PacketView): Reply | null {
  if (!packet.isReadable || packet.isLaterPiece) return null;
  if (packet.isTcp) return packet.has(flags.RST) ? 'reset' : null;
  const { bytes, transportAt, protocol, isV4 } = packet;
  if (protocol !== (isV4 ? protocols.icmp : protocols.icmpv6) || transportAt >= packet.length) return null;
  const type = bytes.getUint8(transportAt);
  if (type === (isV4 ? 0 : 129)) return 'echo reply';
  return isIcmpError(type, isV4) ? 'ICMP error' : null;
}

/** Is this ICMP error about something that must never draw one (RFC 1122 section 3.2.2, RFC 4443 section 2.4 (e))? */
export function faultOfIcmpError(packet: PacketView): string | null {
  const { bytes, transportAt, isV4, length } = packet;
  const quote = transportAt + 8;
  if (length < quote + (isV4 ? 20 : 40)) return 'quotes too little';
  const type = bytes.getUint8(transportAt);
  const [source, destination] = isV4 ? [quote + 12, quote + 16] : [quote + 8, quote + 24];
  const mayBeToMany = !isV4 && (type === 2 || (type === 4 && bytes.getUint8(transportAt + 1) === 2));
  if (isToMany(packet, source, isV4) || isZero(bytes, source, destination)) return 'answers nobody';
  if (isToMany(packet, destination, isV4) && !mayBeToMany) return 'answers what was sent to many';
  if (!isV4) {
    return bytes.getUint8(quote + 6) === 58 && length > quote + 40 && isIcmpError(bytes.getUint8(quote + 40), false)
      ? 'answers an error'
      : null;
  }
  if ((bytes.getUint16(quote + 6) & 0x1fff) !== 0) return 'answers a later piece';
  const quoted = quote + (bytes.getUint8(quote) & 15) * 4;
  const isError = bytes.getUint8(quote + 9) === 1 && quoted < length && isIcmpError(bytes.getUint8(quoted), true);
  return isError ? 'answers an error' : null;
}

const isIcmpError = (type: number, isV4: boolean): boolean =>
  isV4 ? type === 3 || type === 4 || type === 5 || type === 11 || type === 12 : type < 128;

function isToMany({ bytes }: PacketView, at: number, isV4: boolean): boolean {
  const first = bytes.getUint8(at);
  return isV4 ? first >> 4 === 14 || bytes.getUint32(at) === 0xffffffff : first === 0xff;
}

function isZero(bytes: DataView, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (bytes.getUint8(at) !== 0) return false;
  return true;
}
