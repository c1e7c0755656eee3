import { type Fate, type Link, type LinkSettings, type Network, pair } from '../../src/sim/index.ts';
import {
  type Address,
  anyV4,
  anyV6,
  type Listener,
  ms,
  type Observer,
  parseAddress,
  type Stack,
  type StackSettings,
  seconds,
  type Tcb,
  tcpCalls,
} from '../../src/stack/index.ts';

/** A TCP segment as it entered the link. Numbers are relative to the first SYN of its sender; `at` is in milliseconds. */
export interface Seen {
  readonly at: number;
  readonly from: 'client' | 'server';
  /** As tcpdump prints them: 'S', 'S.', 'P.', '.', 'F.', 'R' … */
  readonly flags: string;
  readonly seq: number;
  readonly ack: number;
  readonly length: number;
  /** The window field, unscaled. */
  readonly window: number;
  readonly lost: boolean;
}

export interface StageSettings {
  /** Which addresses the hosts use. Default 4. */
  readonly family?: 4 | 6;
  readonly link?: LinkSettings | readonly [LinkSettings, LinkSettings];
  readonly client?: StackSettings;
  readonly server?: StackSettings;
}

/** Two stacks and a link, used by their user calls, with every segment and every state on record. */
export class Stage {
  readonly clientAddress: Address;
  readonly serverAddress: Address;
  readonly any: Address;
  readonly network: Network;
  readonly client: Stack;
  readonly server: Stack;
  readonly link: Link;
  readonly seen: Seen[] = [];
  readonly clientWay: string[] = ['CLOSED'];
  readonly serverWay: string[] = ['CLOSED'];
  readonly #starts: Map<string, number> = new Map();
  readonly #kick: () => void;
  #listener: Listener | null = null;

  constructor({ family = 4, link = { delay: ms(10) }, client = {}, server = {} }: StageSettings = {}) {
    this.clientAddress = parseAddress(family === 4 ? '10.0.0.1' : 'fd00::1')!;
    this.serverAddress = parseAddress(family === 4 ? '10.0.0.2' : 'fd00::2')!;
    this.any = family === 4 ? anyV4 : anyV6;
    const record = (way: string[]): Observer => ({ state: (_connection, _from, to) => way.push(to) });
    const made = pair({
      link,
      client,
      server,
      observers: { client: record(this.clientWay), server: record(this.serverWay) },
    });
    this.network = made.network;
    this.client = made.client.stack;
    this.server = made.server.stack;
    this.link = made.link;
    this.#kick = () => {
      made.client.kick();
      made.server.kick();
    };
    for (const [from, wire] of [
      ['client', made.link.forward],
      ['server', made.link.backward],
    ] as const) {
      wire.taps.push((bytes, length, now, fate) => this.#record(from, bytes, length, now, fate));
    }
  }

  #record(from: Seen['from'], bytes: Uint8Array, length: number, now: number, fate: Fate): void {
    const packet = new DataView(bytes.buffer, bytes.byteOffset, length);
    const isV4 = packet.getUint8(0) >> 4 === 4;
    const header = isV4 ? (packet.getUint8(0) & 15) * 4 : 40;
    if (packet.getUint8(isV4 ? 9 : 6) !== 6) return;
    const bits = packet.getUint8(header + 13);
    const [seq, ack] = [packet.getUint32(header + 4), packet.getUint32(header + 8)];
    if ((bits & 2) !== 0) this.#starts.set(from, seq);
    const start = this.#starts.get(from) ?? seq;
    const peerStart = this.#starts.get(from === 'client' ? 'server' : 'client') ?? ack;
    this.seen.push({
      at: now / ms(1),
      from,
      flags: ['F', 'S', 'R', 'P', '.', 'U'].filter((_, bit) => (bits & (1 << bit)) !== 0).join(''),
      seq: (seq - start) >>> 0,
      ack: (bits & 16) === 0 ? 0 : (ack - peerStart) >>> 0,
      length: length - header - (packet.getUint8(header + 12) >> 4) * 4,
      window: packet.getUint16(header + 14),
      lost: fate !== 'sent',
    });
  }

  get now(): number {
    return this.network.now;
  }

  /** Lets virtual time pass. */
  run(duration: number = seconds(1)): void {
    this.#kick();
    this.network.run(duration);
    this.#kick();
  }

  runUntil(isDone: () => boolean, limit: number = seconds(100)): void {
    this.#kick();
    this.network.runUntil(isDone, limit);
    this.#kick();
  }

  listen(backlog = 8): Listener {
    return this.server.tcp.listen(this.server.tcp.bind(this.any, 80), backlog);
  }

  connect(): Tcb {
    return this.client.tcp.connect(this.serverAddress, 80, null, this.any, this.now);
  }

  /** A connection, open at both ends; what was seen of its opening is forgotten. */
  open(): { here: Tcb; there: Tcb } {
    this.#listener ??= this.listen();
    const listener = this.#listener;
    const here = this.connect();
    this.run();
    const there = this.server.tcp.accept(listener);
    if (there === null) throw new Error('the connection did not open');
    this.seen.length = 0;
    return { here, there };
  }

  /** Both ends connect to each other at the same time. */
  openTogether(): { here: Tcb; there: Tcb } {
    const { client, server } = this;
    const here = client.tcp.connect(this.serverAddress, 2000, client.tcp.bind(this.any, 1000), this.any, this.now);
    const there = server.tcp.connect(this.clientAddress, 1000, server.tcp.bind(this.any, 2000), this.any, this.now);
    return { here, there };
  }

  from(side: Seen['from']): Seen[] {
    return this.seen.filter(({ from }) => from === side);
  }
}

/** Queues so many octets, or as many as there is room for. Returns how many. */
export const sendOctets = (tcb: Tcb, octets: number): number => tcpCalls.send(tcb, new Uint8Array(octets));

/** Reads what has come, up to `most` octets, and returns how many. */
export function readOctets(stage: Stage, tcb: Tcb, most = 1 << 20): number {
  return tcpCalls.receive(tcb, new Uint8Array(most), stage.now);
}
