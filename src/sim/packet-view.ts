/**
 * What stands in an IP packet, read a second time: the invariants judge the stack, so they do not use its own parsers.
 * Reads headers and sums; what a host may send is decided in packet-rules.ts. Does not reassemble pieces.
 */

/** What the checksums of a packet say. Pieces of datagrams, and protocols without a checksum, are 'unknown'. */
export type Sums = 'good' | 'bad' | 'unknown';

export const protocols = { icmp: 1, igmp: 2, tcp: 6, udp: 17, icmpv6: 58 } as const;
export const flags = { FIN: 1, SYN: 2, RST: 4, ACK: 16, URG: 32 } as const;

/** One packet. Refilled by `read`; `bytes` belong to whoever called it. */
export class PacketView {
  bytes: DataView = new DataView(new ArrayBuffer(0));
  length = 0;
  isV4 = true;
  /** False: too short or too odd for the fields below to mean anything. */
  isReadable = false;
  /** Where the addresses stand, and how long each is. */
  sourceAt = 0;
  destinationAt = 0;
  addressLength = 4;
  protocol = 0;
  /** Where the transport header begins. */
  transportAt = 0;
  /** Behind the first piece: there is no transport header. */
  isLaterPiece = false;
  /** Not whole, first or later. */
  isPiece = false;
  sums: Sums = 'unknown';
  #hasGoodHeader = true;

  // TCP only.
  sourcePort = 0;
  destinationPort = 0;
  seq = 0;
  ack = 0;
  flags = 0;
  /** As it stands in the field. */
  window = 0;
  textAt = 0;

  get isTcp(): boolean {
    return this.isReadable && this.protocol === protocols.tcp && !this.isPiece;
  }

  get textLength(): number {
    return this.length - this.textAt;
  }

  /** SEG.LEN: SYN and FIN count as one octet each. */
  get segmentLength(): number {
    return this.textLength + ((this.flags & flags.SYN) >> 1) + (this.flags & flags.FIN);
  }

  has(flag: number): boolean {
    return (this.flags & flag) !== 0;
  }

  read(bytes: Uint8Array, length: number): this {
    this.bytes = new DataView(bytes.buffer, bytes.byteOffset, length);
    this.length = length;
    this.isReadable = false;
    this.isPiece = false;
    this.isLaterPiece = false;
    this.sums = 'unknown';
    this.#hasGoodHeader = true;
    const version = length > 0 ? this.bytes.getUint8(0) >> 4 : 0;
    this.isV4 = version === 4;
    if (version === 4) this.#readV4();
    else if (version === 6) this.#readV6();
    if (!this.isReadable || this.isPiece) return this;
    if (this.protocol === protocols.tcp) this.#readTcp();
    if (this.isReadable) this.sums = this.#hasGoodHeader ? this.#transportSums() : 'bad';
    return this;
  }

  #readV4(): void {
    const { bytes, length } = this;
    if (length < 20) return;
    const header = (bytes.getUint8(0) & 15) * 4;
    const total = bytes.getUint16(2);
    if (header < 20 || total < header || total > length) return;
    this.length = total; // what lies behind is padding of a link
    this.addressLength = 4;
    this.sourceAt = 12;
    this.destinationAt = 16;
    this.protocol = bytes.getUint8(9);
    this.transportAt = header;
    const fragment = bytes.getUint16(6) & 0x3fff;
    this.isPiece = fragment !== 0;
    this.isLaterPiece = (fragment & 0x1fff) !== 0;
    this.isReadable = true;
    this.#hasGoodHeader = fold(sum(bytes, 0, header, 0)) === 0xffff;
  }

  #readV6(): void {
    const { bytes, length } = this;
    if (length < 40 || bytes.getUint16(4) + 40 > length) return;
    this.length = bytes.getUint16(4) + 40;
    this.addressLength = 16;
    this.sourceAt = 8;
    this.destinationAt = 24;
    let next = bytes.getUint8(6);
    let at = 40;
    for (let headers = 0; headers < 8 && extensionHeaders.has(next); headers++) {
      if (at + 8 > this.length) return;
      if (next === 44) {
        const offset = bytes.getUint16(at + 2) & 0xfff9;
        this.isPiece ||= offset !== 0;
        this.isLaterPiece ||= offset >> 3 !== 0;
      }
      const header = next === 44 ? 8 : bytes.getUint8(at + 1) * 8 + 8;
      next = bytes.getUint8(at);
      at += header;
      if (this.isLaterPiece) break;
    }
    if (at > this.length) return;
    this.protocol = next;
    this.transportAt = at;
    this.isReadable = true;
  }

  #readTcp(): void {
    const { bytes, transportAt: at, length } = this;
    const header = at + 20 <= length ? (bytes.getUint8(at + 12) >> 4) * 4 : 0;
    this.isReadable = header >= 20 && at + header <= length;
    if (!this.isReadable) return;
    this.sourcePort = bytes.getUint16(at);
    this.destinationPort = bytes.getUint16(at + 2);
    this.seq = bytes.getUint32(at + 4);
    this.ack = bytes.getUint32(at + 8);
    this.flags = bytes.getUint8(at + 13);
    this.window = bytes.getUint16(at + 14);
    this.textAt = at + header;
  }

  #transportSums(): Sums {
    const { bytes, transportAt: at, length, protocol, isV4 } = this;
    const size = length - at;
    const hasPseudoHeader = protocol === protocols.tcp || protocol === protocols.udp || protocol === protocols.icmpv6;
    if (protocol === protocols.udp) {
      if (size < 8 || bytes.getUint16(at + 4) !== size) return 'unknown';
      if (isV4 && bytes.getUint16(at + 6) === 0) return 'good'; // its sender has made none
    } else if (protocol !== protocols.tcp && protocol !== (isV4 ? protocols.icmp : protocols.icmpv6)) return 'unknown';
    let total = hasPseudoHeader ? protocol + size : 0;
    if (hasPseudoHeader) total = sum(bytes, this.sourceAt, this.sourceAt + 2 * this.addressLength, total);
    return fold(sum(bytes, at, length, total)) === 0xffff ? 'good' : 'bad';
  }
}

/** Hop-by-hop options, routing, fragment, destination options. */
const extensionHeaders: ReadonlySet<number> = new Set([0, 43, 44, 60]);

/** Adds up bytes[start, end) as 16-bit words. Up to 64 KiB, 32 bits do not overflow. */
export function sum(bytes: DataView, start: number, end: number, initial: number): number {
  let total = initial;
  const even = end - ((end - start) & 1);
  for (let at = start; at < even; at += 2) total += bytes.getUint16(at);
  return even < end ? total + (bytes.getUint8(even) << 8) : total;
}

/** Carries added to the low 16 bits: 0xffff when a checksum is part of the sum, and right. */
export function fold(total: number): number {
  let rest = total;
  while (rest > 0xffff) rest = (rest & 0xffff) + Math.floor(rest / 0x10000);
  return rest;
}
