import { getUint16, setUint16 } from '../base/bytes.ts';
import { finishChecksum, pseudoHeaderSum, sumBytes } from '../base/checksum.ts';
import type { DropReason } from '../base/counters.ts';
import { type Datagram, type Outgoing, protocolUdp } from './datagram.ts';

/**
 * The UDP header (RFC 768).
 *
 *    |          source port          |       destination port        |   0
 *    |            length             |           checksum            |   4
 */
export const udpHeaderLength = 8;

/** What a UDP header says. One per stack, refilled for every arrival. */
export class UdpHeader {
  sourcePort = 0;
  destinationPort = 0;
  textStart = 0;
  textEnd = 0;
}

/** Reads and verifies the UDP header of a datagram; octets behind the UDP length are padding. */
export function readUdp(datagram: Datagram, into: UdpHeader): DropReason | null {
  const { bytes, payloadStart: start, payloadEnd } = datagram;
  if (payloadEnd - start < udpHeaderLength) return 'bad UDP length';
  const length = getUint16(bytes, start + 4);
  if (length < udpHeaderLength || start + length > payloadEnd) return 'bad UDP length';
  const sent = getUint16(bytes, start + 6);
  if (sent === 0) {
    if (!datagram.source.isV4) return 'bad UDP checksum'; // RFC 8200 section 8.1: over IPv6 it is not optional
  } else if (!datagram.isVerified) {
    const sum = pseudoHeaderSum(datagram.source, datagram.destination, protocolUdp, length);
    if (finishChecksum(sumBytes(bytes, start, start + length, sum)) !== 0) return 'bad UDP checksum';
  }
  into.sourcePort = getUint16(bytes, start);
  into.destinationPort = getUint16(bytes, start + 2);
  into.textStart = start + udpHeaderLength;
  into.textEnd = start + length;
  return null;
}

/** Writes the UDP header at `at`, in front of out.length - 8 octets of text that are already there. */
export function writeUdp(
  into: Uint8Array,
  at: number,
  sourcePort: number,
  destinationPort: number,
  out: Outgoing,
): void {
  setUint16(into, at, sourcePort);
  setUint16(into, at + 2, destinationPort);
  setUint16(into, at + 4, out.length);
  setUint16(into, at + 6, 0);
  const sum = pseudoHeaderSum(out.source, out.destination, protocolUdp, out.length);
  const value = finishChecksum(sumBytes(into, at, at + out.length, sum));
  setUint16(into, at + 6, value === 0 ? 0xffff : value); // zero means "none" (RFC 768)
}
