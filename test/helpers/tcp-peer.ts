import { type Listener, type StackSettings, type Tcb, TcpSettings } from '../../src/stack/index.ts';
import {
  addressOf,
  internetChecksum,
  Lone,
  octets,
  octetsOf,
  ours,
  packet,
  type Sent,
  theirs,
  u16,
  u32,
} from './packets.ts';

/** Segments made and read by hand, for a lone host with a listener on port 80: its peer does whatever a test wants. */

export const flags = { FIN: 1, SYN: 2, RST: 4, PSH: 8, ACK: 16, URG: 32 } as const;

export interface SegmentFields {
  readonly seq?: number;
  readonly ack?: number;
  readonly flags?: number;
  readonly window?: number;
  /** Padded with no-operations to whole words. */
  readonly options?: readonly number[];
  readonly text?: Uint8Array;
  readonly ports?: readonly [from: number, to: number];
  readonly source?: string;
  readonly destination?: string;
}

/** A TCP segment with a right checksum, without its IP header. */
export function segment(family: 4 | 6, fields: SegmentFields): Uint8Array {
  const { seq = 0, ack = 0, window = 65_535, options = [], text = octets(), ports = [5000, 80] } = fields;
  const { source = theirs[family], destination = ours[family] } = fields;
  const padded = [...options, ...new Array<number>((4 - (options.length % 4)) % 4).fill(1)];
  const header = octets(u16(ports[0]), u16(ports[1]), u32(seq >>> 0), u32(ack >>> 0), (5 + padded.length / 4) << 4);
  const rest = octets(fields.flags ?? flags.ACK, u16(window), 0, 0, 0, 0, padded, text);
  const made = octets(header, rest);
  const length = u32(made.length);
  made.set(u16(internetChecksum(octets(octetsOf(source), octetsOf(destination), length, u32(6), made))), 16);
  return made;
}

/** What a segment of the host says. */
export interface Said {
  readonly seq: number;
  readonly ack: number;
  readonly flags: number;
  readonly window: number;
  /** Option octets by kind, the two of kind and length left out. */
  readonly options: ReadonlyMap<number, Uint8Array>;
  readonly optionOctets: Uint8Array;
  readonly text: Uint8Array;
  readonly packet: Sent;
}

export function readSegment(sent: Sent): Said {
  const { payload } = sent;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  const header = (payload[12]! >> 4) * 4;
  const optionOctets = payload.subarray(20, header);
  const options = new Map<number, Uint8Array>();
  for (let at = 0; at < optionOctets.length && optionOctets[at] !== 0; ) {
    const length = optionOctets[at] === 1 ? 1 : optionOctets[at + 1]!;
    if (length > 1) options.set(optionOctets[at]!, optionOctets.subarray(at + 2, at + length));
    at += length;
  }
  return {
    seq: view.getUint32(4),
    ack: view.getUint32(8),
    flags: payload[13]!,
    window: view.getUint16(14),
    options,
    optionOctets,
    text: payload.subarray(header),
    packet: sent,
  };
}

export interface PeerSettings {
  readonly family?: 4 | 6;
  readonly options?: StackSettings;
  readonly settings?: Partial<TcpSettings>;
  /** Of the peer's SYN. */
  readonly synOptions?: readonly number[];
  readonly window?: number;
}

/** The peer of one connection to a lone host. Its own numbers begin at 1000; `at` and `next` are where both sides are. */
export class Peer {
  readonly host: Lone;
  readonly family: 4 | 6;
  readonly listener: Listener;
  readonly tcb: Tcb;
  /** The next number of ours, and of the host's. */
  seq = 1001;
  ack = 0;
  readonly synAck: Said;

  constructor({
    family = 4,
    options = {},
    settings = {},
    synOptions = [2, 4, 5, 180],
    window = 65_535,
  }: PeerSettings = {}) {
    this.family = family;
    this.host = new Lone({ options });
    const { tcp } = this.host.stack;
    const chosen = Object.assign(new TcpSettings(), settings);
    this.listener = tcp.listen(tcp.bind(addressOf(family === 4 ? '0.0.0.0' : '::'), 80, chosen), 4, chosen);
    [this.synAck] = this.raw({ seq: 1000, flags: flags.SYN, options: synOptions, window }) as [Said];
    this.ack = (this.synAck.seq + 1) >>> 0;
    this.host.now += 20_000;
    this.send({ window });
    const tcb = tcp.accept(this.listener);
    if (tcb === null) throw new Error('the connection did not open');
    this.tcb = tcb;
  }

  /** Sends a segment with just these fields. Returns what the host says to it. */
  raw(fields: SegmentFields): Said[] {
    return this.host.take(packet(this.family, 6, segment(this.family, fields), fields)).map(readSegment);
  }

  /** Sends a segment in order, unless the fields say otherwise. */
  send(fields: SegmentFields = {}): Said[] {
    const said = this.raw({ seq: this.seq, ack: this.ack, ...fields });
    if (fields.seq === undefined) this.seq = (this.seq + (fields.text?.length ?? 0)) >>> 0;
    return said;
  }

  /** Lets time pass; what leaves meanwhile, timer by timer. */
  pass(micros: number): Said[] {
    const end = this.host.now + micros;
    const said: Said[] = [];
    for (;;) {
      const next = this.host.stack.nextDeadline();
      const now = Math.min(Math.max(next, this.host.now), end);
      said.push(...this.host.pass(now - this.host.now).map(readSegment));
      if (now >= end) return said;
    }
  }

  /** What the host wants to send now. */
  said(): Said[] {
    return this.host.sent().map(readSegment);
  }
}
