/**
 * V11: every combination of the nine flags, in every state, with its number and its acknowledgment anywhere that matters,
 * with text and without: the stack does what the reference model does.
 */
import test from 'ava';
import { anyV4, type Listener, type Tcb, tcpCalls } from '../../src/stack/index.ts';
import { addressOf, internetChecksum, Lone, octets, octetsOf, ours, theirs, u16, u32 } from '../helpers/packets.ts';
import {
  type Arrival,
  acknowledgment,
  flag,
  type ModelState,
  type Outcome,
  resetAt,
  resetOf,
  type Standing,
  segmentArrives,
  synAck,
} from '../helpers/reference-model.ts';

const PORT = 80;
const PEER_PORT = 5000;
const IRS = 0xffff_ff00; // its numbers wrap soon
const WINDOW = 10_000;
const { FIN, SYN, RST, PSH, ACK } = flag;

interface Segment {
  readonly seq: number;
  readonly ack: number;
  readonly flags: number;
  readonly window: number;
  readonly text: number;
}

const wrap = (number: number): number => number >>> 0;
const pseudo = octets(octetsOf(theirs[4]), octetsOf(ours[4]), 0, 6);

/** A segment from the peer in its packet. The ninth flag is the one beside the data offset (RFC 9768). */
function packetOf({ flags, seq, ack, text }: Arrival, ports: readonly [number, number]): Uint8Array {
  const length = 20 + text;
  const bytes = new Uint8Array(20 + length);
  bytes.set([0x45, 0, ...u16(20 + length), 0, 7, 0, 0, 64, 6, 0, 0]);
  bytes.set(pseudo.subarray(0, 8), 12);
  bytes.set(u16(internetChecksum(bytes.subarray(0, 20))), 10);
  bytes.set([...u16(ports[0]), ...u16(ports[1]), ...u32(seq), ...u32(ack), 0x50 | (flags >> 8), flags & 255], 20);
  bytes.set(u16(WINDOW), 34);
  bytes.fill(0x61, 40);
  const sum = new Uint8Array(12 + length);
  sum.set(pseudo);
  sum.set(u16(length), 10);
  sum.set(bytes.subarray(20), 12);
  bytes.set(u16(internetChecksum(sum)), 36);
  return bytes;
}

/** A host with one connection at a time, played to by hand. */
class Play {
  readonly #host = new Lone();
  readonly #buffer = new Uint8Array(2000);
  #listener: Listener | null = null;
  #ports: [number, number] = [PEER_PORT, PORT];
  tcb: Tcb | null = null;
  iss = 0;
  una = 0;
  nxt = 0;
  edge = 0;

  listen(): void {
    const { tcp } = this.#host.stack;
    this.#listener = tcp.listen(tcp.bind(anyV4, PORT), 8);
  }

  /** Lets a segment arrive. Returns what leaves at once. */
  take(arrival: Arrival): Segment[] {
    const bytes = packetOf(arrival, this.#ports);
    this.#host.stack.receive(bytes, bytes.length, this.#host.now);
    return this.sent();
  }

  sent(): Segment[] {
    const segments: Segment[] = [];
    for (;;) {
      const length = this.#host.stack.transmit(this.#buffer, this.#host.now);
      if (length === 0) return segments;
      const view = new DataView(this.#buffer.buffer, 20);
      const segment = {
        seq: view.getUint32(4),
        ack: view.getUint32(8),
        flags: view.getUint8(13) & (FIN | SYN | RST | PSH | ACK),
        window: view.getUint16(14),
        text: length - 20 - (view.getUint8(12) >> 4) * 4,
      };
      if ((segment.flags & RST) === 0) this.#note(segment, view.getUint16(0));
      segments.push(segment);
    }
  }

  #note({ seq, ack, flags, window, text }: Segment, port: number): void {
    if ((flags & SYN) !== 0) this.iss = seq;
    if ((flags & SYN) !== 0 && (flags & ACK) === 0) this.#ports = [PEER_PORT, port];
    this.nxt = wrap(seq + text + ((flags & SYN) !== 0 ? 1 : 0) + (flags & FIN));
    this.edge = wrap(ack + window);
  }

  /** The peer's part of the story: everything that was sent is acknowledged, or what `ack` says. */
  say(flags: number, offset: number, ack = this.nxt): void {
    this.take({ flags, seq: wrap(IRS + offset), ack, text: 0 });
    this.una = (flags & ACK) !== 0 ? ack : this.iss;
  }

  connect(): void {
    const { stack, now } = this.#host;
    this.#ports = [PEER_PORT, 0];
    this.tcb = stack.tcp.connect(addressOf(theirs[4]), PEER_PORT, null, anyV4, now);
    this.sent();
    this.una = this.iss;
  }

  /** The peer opens, and what both have sent is acknowledged. */
  open(): void {
    this.say(SYN, 0);
    this.say(ACK, 1);
    this.tcb = this.#host.stack.tcp.accept(this.#listener!);
    this.send(50);
    this.say(ACK, 1);
  }

  send(count: number): void {
    tcpCalls.send(this.tcb!, new Uint8Array(count));
    this.sent();
  }

  shutdown(): void {
    tcpCalls.shutdownSend(this.tcb!, this.#host.now);
    this.sent();
  }

  connection(): Tcb | null {
    for (const tcb of this.#host.stack.tcp.connections()) return tcb;
    return null;
  }

  /** Forgets the connection that there is, so that the next one begins as this one did. */
  clear(): void {
    const tcb = this.connection();
    if (tcb !== null) tcpCalls.abort(tcb, this.#host.now);
    while (this.#listener !== null && this.#host.stack.tcp.accept(this.#listener) !== null);
    this.sent();
  }
}

interface Scene {
  readonly state: ModelState;
  readonly name: string;
  /** Octets of sequence space that the peer has used. */
  readonly used: number;
  readonly wasPassive: boolean;
  readonly play: (play: Play) => void;
}

const scene = (state: ModelState, used: number, play: (play: Play) => void, from = 'LISTEN'): Scene => ({
  state,
  name: from === 'LISTEN' ? state : `${state}, from ${from}`,
  used,
  wasPassive: from === 'LISTEN',
  play,
});

const scenes: readonly Scene[] = [
  scene('CLOSED', 0, () => {}),
  scene('LISTEN', 0, () => {}),
  scene('SYN-SENT', 0, (play) => play.connect(), 'CLOSED'),
  scene('SYN-RECEIVED', 1, (play) => play.say(SYN, 0)),
  scene(
    'SYN-RECEIVED',
    1,
    (play) => {
      play.connect();
      play.say(SYN, 0);
    },
    'SYN-SENT',
  ),
  scene('ESTABLISHED', 1, (play) => {
    play.open();
    play.send(20);
  }),
  scene('FIN-WAIT-1', 1, (play) => {
    play.open();
    play.send(20);
    play.shutdown();
  }),
  scene('FIN-WAIT-2', 1, (play) => {
    play.open();
    play.shutdown();
    play.say(ACK, 1);
  }),
  scene('CLOSE-WAIT', 2, (play) => {
    play.open();
    play.send(20);
    play.say(FIN | ACK, 1, play.una);
  }),
  scene('CLOSING', 2, (play) => {
    play.open();
    play.send(20);
    play.shutdown();
    play.say(FIN | ACK, 1, play.una);
  }),
  scene('LAST-ACK', 2, (play) => {
    play.open();
    play.send(20);
    play.say(FIN | ACK, 1, play.una);
    play.shutdown();
  }),
  scene('TIME-WAIT', 2, (play) => {
    play.open();
    play.shutdown();
    play.say(ACK, 1);
    play.say(FIN | ACK, 1);
  }),
];

/** Where a segment may begin: as a distance from RCV.NXT, or from the right edge of the window. */
const places: readonly (readonly [name: string, from: 'left' | 'right', distance: number])[] = [
  ['left of the window', 'left', -100],
  ['over its left edge', 'left', -5],
  ['at RCV.NXT', 'left', 0],
  ['inside', 'left', 100],
  ['over its right edge', 'right', -5],
  ['right of the window', 'right', 100],
];

function acknowledgments({ iss, una, nxt }: Play): Map<number, string> {
  const named: readonly (readonly [number, string])[] = [
    [una - 2 ** 20, 'long ago'],
    [iss - 1, 'ISS - 1'],
    [iss, 'ISS'],
    [una - 1, 'SND.UNA - 1'],
    [una, 'SND.UNA'],
    [nxt - 1, 'SND.NXT - 1'],
    [nxt, 'SND.NXT'],
    [nxt + 1, 'SND.NXT + 1'],
  ];
  return new Map(named.map(([ack, name]) => [wrap(ack), name]));
}

function observe(play: Play, before: Standing, tcb: Tcb | null, arrival: Arrival): Outcome {
  const sent = play.take(arrival);
  const after = play.connection();
  const isNew = after !== tcb || before.state === 'SYN-SENT';
  const start = isNew ? wrap((after?.irs ?? 0) + 1) : before.rcvNxt;
  const hasNumbers = after !== null && after.state !== 'SYN-SENT';
  return {
    state: after === null ? null : after.state,
    taken: hasNumbers ? wrap(after.rcv.nxt - start) : 0,
    reply: sent.length === 0 ? null : sent.map(inWords).join(' + '),
    mayAcknowledge: false,
  };
}

function inWords({ seq, ack, flags, text }: Segment): string {
  const control = flags & ~PSH;
  if (text === 0 && control === RST) return resetAt(seq);
  if (text === 0 && control === (RST | ACK) && seq === 0) return resetOf(ack);
  if (text === 0 && control === (SYN | ACK)) return synAck(ack);
  if (text === 0 && control === ACK) return acknowledgment(seq, ack);
  return `flags ${flags}, seq ${seq}, ack ${ack}, ${text} octets`;
}

const flagNames = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG', 'ECE', 'CWR', 'AE'];
const nameFlags = (flags: number): string =>
  flagNames.filter((_, bit) => (flags & (1 << bit)) !== 0).join() || 'no flags';

/** Where the stack departs from the model. A departure that is none any more fails the test as well. */
interface Departure {
  readonly why: string;
  /** What the stack does in place of what the model expects; null: nothing of this departure. */
  readonly instead: (before: Standing, arrival: Arrival, expected: Outcome) => Outcome | null;
}

const resetFor = ({ flags, seq, ack, text }: Arrival): string =>
  (flags & ACK) !== 0 ? resetAt(ack) : resetOf(wrap(seq + text + 1 + (flags & FIN)));

const isLeftOfWindow = ({ rcvNxt }: Standing, { seq }: Arrival): boolean => ((seq - rcvNxt) | 0) < 0;

const departures: readonly Departure[] = [
  {
    why: 'a SYN in the window sends SYN-RECEIVED back to LISTEN, and its sender hears of it, as from Linux',
    instead: ({ state }, arrival, expected) =>
      state === 'SYN-RECEIVED' && (arrival.flags & (SYN | RST)) === SYN && expected.state === null
        ? { ...expected, reply: resetFor(arrival) }
        : null,
  },
  {
    why: 'text and a FIN that come with the SYN-ACK have to come again, as on Linux',
    instead: ({ state, nxt }, { seq }, expected) =>
      state === 'SYN-SENT' && expected.taken > 0 && expected.state !== 'SYN-RECEIVED'
        ? { ...expected, state: 'ESTABLISHED', taken: 0, reply: acknowledgment(nxt, wrap(seq + 1)) }
        : null,
  },
  {
    why: 'a reset that begins before the window and reaches into it draws a challenge, as from Linux',
    instead: (before, arrival, expected) =>
      (arrival.flags & RST) !== 0 &&
      !['CLOSED', 'LISTEN', 'SYN-SENT', 'TIME-WAIT'].includes(before.state) &&
      isLeftOfWindow(before, arrival) &&
      ((arrival.seq + arrival.text - before.rcvNxt) | 0) > 0
        ? { ...expected, reply: acknowledgment(before.nxt, before.rcvNxt) }
        : null,
  },
];

/** Plays the scene and lets one segment arrive. Returns what was expected and seen, where the two differ. */
function tryOne(
  play: Play,
  { state, used, wasPassive, play: prepare }: Scene,
  [, from, distance]: (typeof places)[number],
  about: { readonly flags: number; readonly text: number; readonly ackAt: number },
): { readonly acks: number; readonly flaw: string | null } {
  prepare(play);
  const tcb = play.connection();
  const rcvNxt = wrap(IRS + used);
  const before: Standing = {
    state,
    wasPassive,
    hasListener: state !== 'CLOSED',
    iss: play.iss,
    una: play.una,
    nxt: play.nxt,
    maxWnd: WINDOW,
    rcvNxt,
    rcvWnd: used > 0 ? wrap(play.edge - rcvNxt) : 0,
  };
  const { flags, text, ackAt } = about;
  const acks = (flags & ACK) === 0 || tcb === null ? [[12_345, 'any'] as const] : [...acknowledgments(play)];
  const [ack, ackName] = acks[ackAt]!;
  const arrival = { flags, text, ack, seq: wrap((from === 'left' || used === 0 ? rcvNxt : play.edge) + distance) };
  const literal = segmentArrives(before, arrival);
  const departure = departures.map(({ instead }) => instead(before, arrival, literal)).find((each) => each !== null);
  const expected = departure ?? literal;

  const seen = observe(play, before, tcb, arrival);
  play.clear();

  const isAllowed = expected.mayAcknowledge && seen.reply === acknowledgment(before.nxt, wrap(rcvNxt + expected.taken));
  const isSame = seen.state === expected.state && (seen.reply === expected.reply || isAllowed);
  if (isSame && (expected.state === null || seen.taken === expected.taken)) return { acks: acks.length, flaw: null };
  const flaw = `${nameFlags(flags)}, ${text} octets, ACK ${ackName}: ${inShort(seen)}, not ${inShort(expected)}`;
  return { acks: acks.length, flaw };
}

const inShort = ({ state, taken, reply }: Outcome): string => `${state}, ${taken} taken, ${reply ?? 'no reply'}`;

for (const each of scenes) {
  test(`V11: ${each.name}: each combination of flags does what RFC 9293 section 3.10.7 says`, (t) => {
    const play = new Play();
    if (each.state !== 'CLOSED') play.listen();
    const flaws: string[] = [];
    let cases = 0;

    for (const place of places) {
      for (const text of [0, 10]) {
        for (let flags = 0; flags < 512; flags++) {
          for (let ackAt = 0, acks = 1; ackAt < acks; ackAt++, cases++) {
            const result = tryOne(play, each, place, { flags, text, ackAt });
            acks = result.acks;
            if (result.flaw !== null) flaws.push(`${place[0]}: ${result.flaw}`);
          }
        }
      }
    }

    t.deepEqual(flaws.slice(0, 5), [], `${flaws.length} of ${cases}`);
    t.true(cases >= 512 * 2 * places.length);
  });
}
