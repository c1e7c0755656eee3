import {
  type Address,
  parseAddress,
  parsePrefix,
  SeededRandom,
  Stack,
  type StackSettings,
} from '../../src/stack/index.ts';

/** Packets made and read by hand, with a checksum of their own: nothing here trusts the formats under test. */

/** The usual host is `ours`, whoever sends to it is `theirs`. */
export const ours = { 4: '10.0.0.1', 6: 'fd00::1' } as const;
export const theirs = { 4: '10.0.0.2', 6: 'fd00::2' } as const;
export const addressOf = (text: string): Address => parseAddress(text)!;

/** Octets one after another; a number is one octet. */
export const octets = (...parts: readonly (number | Uint8Array | readonly number[])[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((part) => (typeof part === 'number' ? [part] : [...part])));
export const u16 = (value: number): number[] => [(value >>> 8) & 255, value & 255];
export const u32 = (value: number): number[] => [...u16(value >>> 16), ...u16(value)];
/** Octets that differ from their neighbours and from those 256 further on. */
export const pattern = (length: number, seed = 0): Uint8Array =>
  Uint8Array.from({ length }, (_, at) => (at * 7 + (at >> 8) * 13 + seed) & 255);

export function octetsOf(text: string): number[] {
  const { w0, w1, w2, w3 } = addressOf(text);
  return !text.includes(':') ? u32(w3) : [...u32(w0), ...u32(w1), ...u32(w2), ...u32(w3)];
}

/** RFC 1071, as simple as can be. */
export function internetChecksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += bytes[at]! * 256 + (bytes[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum % 0x10000) + Math.floor(sum / 0x10000);
  return 0xffff - sum;
}

/** The message with its checksum at `at`; `pseudo` is what the checksum covers besides. */
function summed(message: Uint8Array, at: number, pseudo: Uint8Array = octets()): Uint8Array {
  const made = octets(message.subarray(0, at), 0, 0, message.subarray(at + 2));
  made.set(u16(internetChecksum(octets(pseudo, made))), at);
  return made;
}

const pseudoHeader = (source: string, destination: string, protocol: number, length: number): Uint8Array =>
  octets(octetsOf(source), octetsOf(destination), u32(length), 0, 0, 0, protocol);

export interface V4Fields {
  readonly source?: string;
  readonly destination?: string;
  readonly protocol?: number;
  readonly ttl?: number;
  readonly identification?: number;
  /** Flags and offset: 0x4000 is DF, 0x2000 is MF, the rest counts in 8 octets. */
  readonly place?: number;
  /** Padded with zeros to whole words. */
  readonly options?: readonly number[];
  /** Instead of the right one. */
  readonly totalLength?: number;
}

export function v4(payload: Uint8Array, fields: V4Fields = {}): Uint8Array {
  const { source = theirs[4], destination = ours[4], protocol = 17, ttl = 64, identification = 7, place = 0 } = fields;
  const options = octets(fields.options ?? []);
  const headerLength = 20 + Math.ceil(options.length / 4) * 4;
  const header = new Uint8Array(headerLength);
  header.set(octets(0x40 + headerLength / 4, 0, u16(fields.totalLength ?? headerLength + payload.length)));
  header.set(octets(u16(identification), u16(place), ttl, protocol, 0, 0, octetsOf(source), octetsOf(destination)), 4);
  header.set(options, 20);
  return octets(summed(header, 10), payload);
}

export interface V6Fields {
  readonly source?: string;
  readonly destination?: string;
  readonly next?: number;
  readonly hopLimit?: number;
  /** Instead of the right one. */
  readonly payloadLength?: number;
}

export function v6(payload: Uint8Array, fields: V6Fields = {}): Uint8Array {
  const { source = theirs[6], destination = ours[6], next = 17, hopLimit = 64 } = fields;
  const length = fields.payloadLength ?? payload.length;
  return octets(0x60, 0, 0, 0, u16(length), next, hopLimit, octetsOf(source), octetsOf(destination), payload);
}

interface Ends {
  readonly source?: string;
  readonly destination?: string;
}

const endsOf = (family: 4 | 6, { source = theirs[family], destination = ours[family] }: Ends): [string, string] => [
  source,
  destination,
];

/** A UDP header and its text, for the addresses given. */
export function udp(family: 4 | 6, ports: readonly [from: number, to: number], text: Uint8Array, ends: Ends = {}) {
  const message = octets(u16(ports[0]), u16(ports[1]), u16(8 + text.length), 0, 0, text);
  return summed(message, 6, pseudoHeader(...endsOf(family, ends), 17, message.length));
}

/** An ICMP message: `rest` is all behind the checksum. */
export function icmp(family: 4 | 6, type: number, code: number, rest: Uint8Array, ends: Ends = {}): Uint8Array {
  const message = octets(type, code, 0, 0, rest);
  if (family === 4) return summed(message, 2);
  return summed(message, 2, pseudoHeader(...endsOf(6, ends), 58, message.length));
}

/** An echo request with identifier 0x1234 and sequence number 5. */
export const echo = (family: 4 | 6, data: Uint8Array = pattern(16), ends: Ends = {}): Uint8Array =>
  icmp(family, family === 4 ? 8 : 128, 0, octets(u16(0x1234), u16(5), data), ends);

/** A whole packet of either family with this payload. */
export const packet = (family: 4 | 6, protocol: number, payload: Uint8Array, ends: Ends = {}): Uint8Array =>
  family === 4 ? v4(payload, { ...ends, protocol }) : v6(payload, { ...ends, next: protocol });

/** What a packet says that the stack has sent. */
export interface Sent {
  readonly source: string;
  readonly destination: string;
  readonly protocol: number;
  readonly ttl: number;
  readonly dontFragment: boolean;
  readonly identification: number;
  readonly offset: number;
  readonly more: boolean;
  readonly isFragment: boolean;
  readonly payload: Uint8Array;
  readonly bytes: Uint8Array;
  /** Of the IPv4 header, and of ICMP and UDP in one piece. */
  readonly isSound: boolean;
}

const textOf = (bytes: Uint8Array): string => {
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, at) => (bytes[at * 2]! * 256 + bytes[at * 2 + 1]!).toString(16));
  return addressOf(groups.join(':')).toString();
};

export function readSent(bytes: Uint8Array): Sent {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const isV4 = bytes[0]! >> 4 === 4;
  if (isV4) {
    const header = (bytes[0]! & 15) * 4;
    const place = view.getUint16(6);
    const read = {
      source: textOf(bytes.subarray(12, 16)),
      destination: textOf(bytes.subarray(16, 20)),
      protocol: bytes[9]!,
      ttl: bytes[8]!,
      dontFragment: (place & 0x4000) !== 0,
      identification: view.getUint16(4),
      offset: (place & 0x1fff) * 8,
      more: (place & 0x2000) !== 0,
      isFragment: (place & 0x3fff) !== 0,
      payload: bytes.subarray(header),
      bytes,
    };
    const isWhole = view.getUint16(2) === bytes.length && internetChecksum(bytes.subarray(0, header)) === 0;
    return { ...read, isSound: isWhole && isPayloadSound(read) };
  }
  const isFragment = bytes[6] === 44;
  const read = {
    source: textOf(bytes.subarray(8, 24)),
    destination: textOf(bytes.subarray(24, 40)),
    protocol: bytes[isFragment ? 40 : 6]!,
    ttl: bytes[7]!,
    dontFragment: true,
    identification: isFragment ? view.getUint32(44) : 0,
    offset: isFragment ? view.getUint16(42) & 0xfff8 : 0,
    more: isFragment && (bytes[43]! & 1) !== 0,
    isFragment,
    payload: bytes.subarray(isFragment ? 48 : 40),
    bytes,
  };
  return { ...read, isSound: view.getUint16(4) + 40 === bytes.length && isPayloadSound(read) };
}

function isPayloadSound({ isFragment, protocol, payload, source, destination }: Omit<Sent, 'isSound'>): boolean {
  if (isFragment || (protocol !== 1 && protocol !== 17 && protocol !== 58)) return true;
  const pseudo = protocol === 1 ? octets() : pseudoHeader(source, destination, protocol, payload.length);
  return internetChecksum(octets(pseudo, payload)) === 0;
}

/** The fields of an ICMP message that the stack has sent. */
export function readIcmp({ payload }: Sent) {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  return { type: payload[0]!, code: payload[1]!, parameter: view.getUint32(4), quote: payload.subarray(8) };
}

export interface LoneSettings {
  readonly options?: StackSettings;
  readonly seed?: number;
  readonly mtu?: number;
  /** Addresses of one interface after another. */
  readonly interfaces?: readonly (readonly string[])[];
}

/** A host by itself: what is handed in, and what it wants to send for that. */
export class Lone {
  readonly stack: Stack;
  now = 1_000_000;
  readonly #buffer: Uint8Array = new Uint8Array(65_536);

  constructor({
    options = {},
    seed = 1,
    mtu = 1500,
    interfaces = [['10.0.0.1/24', 'fd00::1/64', 'fe80::1/64']],
  }: LoneSettings = {}) {
    this.stack = new Stack(new SeededRandom(seed), options);
    for (const [index, addresses] of interfaces.entries()) {
      this.stack.addInterface({ name: `eth${index}`, mtu, addresses: addresses.map((text) => parsePrefix(text)!) });
    }
  }

  /** Lets a packet arrive. Returns whatever wants to leave by that interface. */
  take(bytes: Uint8Array, interfaceIndex = 1): Sent[] {
    this.stack.receive(bytes, bytes.length, this.now, interfaceIndex);
    return this.sent(interfaceIndex);
  }

  sent(interfaceIndex = 1): Sent[] {
    const packets: Sent[] = [];
    for (;;) {
      const length = this.stack.transmit(this.#buffer, this.now, interfaceIndex);
      if (length === 0) return packets;
      packets.push(readSent(this.#buffer.slice(0, length)));
    }
  }

  /** Lets time pass, and timers run. Returns what leaves then. */
  pass(micros: number): Sent[] {
    this.now += micros;
    this.stack.advance(this.now);
    return this.sent();
  }

  /** How often a packet was dropped for this reason. */
  drops(reason: keyof Stack['counters']['drops']): number {
    return this.stack.counters.drops[reason];
  }
}
