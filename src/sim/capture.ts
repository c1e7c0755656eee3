import type { Micros } from '../stack/base/time.ts';

/**
 * Packets of any link as a pcapng file, which Wireshark, tshark and tcpdump read (the IETF draft "PCAP Next Generation
 * (pcapng) Capture File Format"). What is drawn here is all of the format that a capture of raw IP packets needs.
 *
 * A file is a run of blocks, all of one frame. The length counts the whole block, stands at both ends (so that a reader
 * can go backwards) and is a multiple of 4. Everything is written least significant octet first, as the first block says.
 *
 *     |                type                 |   0
 *     |            block length             |   4
 *     |      body, padded to 32 bits        |   8
 *     |            block length             |
 *
 * A body may end with options, each padded to 32 bits and not counting its padding, and after them option 0 of length 0.
 *
 *     |       code       |      length      |   0
 *     |      value, padded to 32 bits       |   4
 *
 * What it does not do: cut packets short, name addresses, read files.
 */

/** A link that packets are captured on. */
export interface CaptureInterface {
  readonly name: string;
  readonly description?: string;
}

export interface CaptureOptions {
  /** Packets name one of these by its place in the list. */
  readonly interfaces: readonly CaptureInterface[];
  /** The program that captures, for whoever reads the file. */
  readonly application?: string;
  /** The largest file to collect, in octets. A packet that does not fit any more is counted in `dropped` instead. */
  readonly maxOctets?: number;
  /**
   * Where the file goes, piece by piece, instead of being collected: first the header, at once, then every packet.
   * Each piece is a fresh array that the sink may keep.
   */
  readonly sink?: (bytes: Uint8Array) => void;
}

/** Seen from the host at the interface. */
export type CaptureDirection = 'in' | 'out';

/** Collects packets, or hands them on to a sink, as a pcapng file. */
export class Capture {
  readonly #header: Uint8Array;
  readonly #interfaces: number;
  readonly #maxOctets: number;
  readonly #sink: ((bytes: Uint8Array) => void) | null;
  /** The file so far, in the first `#octets` octets; empty with a sink. */
  #file: Uint8Array;
  #octets: number;
  #packets = 0;
  #dropped = 0;

  constructor(options: CaptureOptions) {
    this.#header = fileHeader(options.interfaces, options.application);
    this.#interfaces = options.interfaces.length;
    this.#maxOctets = options.maxOctets ?? Number.POSITIVE_INFINITY;
    this.#sink = options.sink ?? null;
    this.#file = this.#header;
    this.#octets = this.#header.length;
    if (this.#sink !== null) this.#sink(this.#header.slice());
  }

  /** Packets in the file. */
  get packets(): number {
    return this.#packets;
  }

  /** Packets left out because of `maxOctets`. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Octets of the file so far. */
  get octets(): number {
    return this.#octets;
  }

  /**
   * Adds the packet bytes[0, length), which is copied.
   * @throws RangeError there is no such interface
   */
  packet(interfaceIndex: number, direction: CaptureDirection, bytes: Uint8Array, length: number, now: Micros): void {
    if (!(interfaceIndex >= 0 && interfaceIndex < this.#interfaces)) {
      throw new RangeError(`capture has no interface ${interfaceIndex}: it has ${this.#interfaces}`);
    }
    const needed = this.#octets + packetBlockLength(length);
    if (needed > this.#maxOctets) {
      this.#dropped++;
      return;
    }
    this.#packets++;
    if (this.#sink !== null) this.#sink(Capture.packetBlock(interfaceIndex, direction, bytes, length, now));
    else {
      this.#reserve(needed);
      writePacketBlock(this.#file, this.#octets, interfaceIndex, direction, bytes, length, now);
    }
    this.#octets = needed;
  }

  /**
   * A copy of the whole file as it stands.
   * @throws Error when there is a sink: then nothing has been kept
   */
  bytes(): Uint8Array {
    if (this.#sink !== null) throw new Error('the capture went to its sink: nothing has been kept');
    return this.#file.slice(0, this.#octets);
  }

  /** What a file begins with: the section header and the interfaces. `packetBlock`s follow it, in any number. */
  header(): Uint8Array {
    return this.#header.slice();
  }

  /** One packet, bytes[0, length), as the block to append to a file. */
  static packetBlock(
    interfaceIndex: number,
    direction: CaptureDirection,
    bytes: Uint8Array,
    length: number,
    now: Micros,
  ): Uint8Array {
    const block = new Uint8Array(packetBlockLength(length));
    writePacketBlock(block, 0, interfaceIndex, direction, bytes, length, now);
    return block;
  }

  #reserve(needed: number): void {
    if (needed <= this.#file.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#file.length * 2, firstCapacity));
    grown.set(this.#file.subarray(0, this.#octets));
    this.#file = grown;
  }
}

/**
 * Section Header Block: the byte order, the version, and how long the section is, which is not known yet.
 *
 *     |             0x0A0D0D0A              |   0   reads the same in both byte orders
 *     |            block length             |   4
 *     |    byte-order magic 0x1A2B3C4D      |   8
 *     |     major 1      |     minor 0      |  12
 *     |       section length, 64 bits       |  16   -1: unknown
 *     |         options: shb_userappl       |  24
 *     |            block length             |
 *
 * followed by an Interface Description Block for each interface:
 *
 *     |              0x00000001             |   0
 *     |            block length             |   4
 *     |    link type     |        0         |   8   101, LINKTYPE_RAW: the packet begins with its IP header
 *     |           snapshot length           |  12   0: packets are whole, of any length
 *     |   options: if_name, if_description, |  16
 *     |            if_tsresol               |
 *     |            block length             |
 */
function fileHeader(interfaces: readonly CaptureInterface[], application?: string): Uint8Array {
  const into: number[] = [];
  const section = openBlock(into, sectionHeaderBlock);
  put32(into, 0x1a2b3c4d);
  put16(into, 1);
  put16(into, 0);
  put32(into, 0xffffffff);
  put32(into, 0xffffffff);
  if (application !== undefined) {
    putOption(into, shbUserApplication, utf8(application));
    endOptions(into);
  }
  closeBlock(into, section);

  for (const { name, description } of interfaces) {
    const block = openBlock(into, interfaceDescriptionBlock);
    put16(into, linkTypeRaw);
    put16(into, 0);
    put32(into, 0);
    putOption(into, ifName, utf8(name));
    if (description !== undefined) putOption(into, ifDescription, utf8(description));
    putOption(into, ifTimestampResolution, [6]); // 10^-6 s
    endOptions(into);
    closeBlock(into, block);
  }
  return Uint8Array.from(into);
}

/**
 * Enhanced Packet Block.
 *
 *     |              0x00000006             |   0
 *     |            block length             |   4
 *     |          interface index            |   8
 *     |     time, upper 32 of 64 bits       |  12   microseconds
 *     |     time, lower 32 of 64 bits       |  16
 *     |       octets in this block          |  20
 *     |       octets of the packet          |  24
 *     |    the packet, padded to 32 bits    |  28
 *     |  2: epb_flags    |        4         |       an option
 *     |  flags, 1: inbound, 2: outbound     |
 *     |         0        |        0         |       end of options
 *     |            block length             |
 */
function writePacketBlock(
  into: Uint8Array,
  at: number,
  interfaceIndex: number,
  direction: CaptureDirection,
  bytes: Uint8Array,
  length: number,
  now: Micros,
): void {
  const blockLength = packetBlockLength(length);
  const view = new DataView(into.buffer, into.byteOffset + at, blockLength);
  view.setUint32(0, enhancedPacketBlock, true);
  view.setUint32(4, blockLength, true);
  view.setUint32(8, interfaceIndex, true);
  const time = Math.max(0, Math.floor(now));
  view.setUint32(12, Math.floor(time / 0x1_0000_0000), true); // a double is exact to 2^53: the shifts are not
  view.setUint32(16, time % 0x1_0000_0000, true);
  view.setUint32(20, length, true);
  view.setUint32(24, length, true);
  into.set(bytes.subarray(0, length), at + 28);
  const options = 28 + padded(length);
  view.setUint16(options, epbFlags, true);
  view.setUint16(options + 2, 4, true);
  view.setUint32(options + 4, direction === 'in' ? 1 : 2, true);
  view.setUint32(options + 8, 0, true);
  view.setUint32(options + 12, blockLength, true);
}

const packetBlockLength = (length: number): number => 44 + padded(length);

const padded = (length: number): number => (length + 3) & ~3;

function put16(into: number[], value: number): void {
  into.push(value & 255, (value >>> 8) & 255);
}

function put32(into: number[], value: number): void {
  put16(into, value & 0xffff);
  put16(into, value >>> 16);
}

/** @returns where the block begins, for `closeBlock` */
function openBlock(into: number[], type: number): number {
  const start = into.length;
  put32(into, type);
  put32(into, 0); // the length, filled in by closeBlock
  return start;
}

function closeBlock(into: number[], start: number): void {
  const field: number[] = [];
  put32(field, into.length + 4 - start);
  into.splice(start + 4, 4, ...field);
  into.push(...field);
}

/** An option's value may be 65,535 octets long; a longer one is cut. */
function putOption(into: number[], code: number, value: readonly number[]): void {
  const length = Math.min(value.length, 0xffff);
  put16(into, code);
  put16(into, length);
  for (let index = 0; index < padded(length); index++) into.push(index < length ? value[index]! : 0);
}

function endOptions(into: number[]): void {
  put32(into, 0);
}

/** The octets of a text (RFC 3629). Half a surrogate pair becomes U+FFFD. */
function utf8(text: string): number[] {
  const octets: number[] = [];
  for (const character of text) {
    let code = character.codePointAt(0)!;
    if (code >= 0xd800 && code <= 0xdfff) code = 0xfffd;
    if (code < 0x80) octets.push(code);
    else if (code < 0x800) octets.push(0xc0 | (code >> 6), 0x80 | (code & 63));
    else if (code < 0x10000) octets.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
    else {
      octets.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 63), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
    }
  }
  return octets;
}

const firstCapacity = 65_536;

const sectionHeaderBlock = 0x0a0d0d0a;
const interfaceDescriptionBlock = 1;
const enhancedPacketBlock = 6;

const linkTypeRaw = 101;

const shbUserApplication = 4;
const ifName = 2;
const ifDescription = 3;
const ifTimestampResolution = 9;
const epbFlags = 2;
