/** Each promise that is checked after every event: broken on purpose, and found. What is true is shown by all other tests. */
import test, { type ExecutionContext } from 'ava';
import {
  type HostWatch,
  Invariants,
  InvariantViolation,
  ms,
  type Pair,
  type PairSettings,
  type Promised,
  pair,
  seconds,
  type Tap,
} from '../../src/sim/index.ts';
import { anyV4, parseAddress, plainPacket, type Tcb, tcpCalls } from '../../src/stack/index.ts';
import { icmp, internetChecksum, octets, pattern, u16, u32, udp, v4 } from '../helpers/packets.ts';

interface Open extends Pair {
  readonly here: Tcb;
  readonly there: Tcb;
}

/** A connection from client to server over which some text has gone both ways. */
function open(settings: PairSettings = {}): Open {
  const made = pair({ link: { delay: ms(10) }, ...settings });
  const { network, client, server } = made;
  const listener = server.stack.tcp.listen(server.stack.tcp.bind(anyV4, 80), 4);
  const here = client.stack.tcp.connect(parseAddress('10.0.0.2')!, 80, null, anyV4, network.now);
  client.kick();
  network.run(ms(100));
  const there = server.stack.tcp.accept(listener)!;
  tcpCalls.ownSettings(there).noDelay = true;
  for (const [host, tcb] of [
    [client, here],
    [server, there],
  ] as const) {
    tcpCalls.send(
      tcb,
      Uint8Array.from({ length: 5000 }, (_, index) => index),
    );
    host.kick();
  }
  network.run(seconds(1));
  return { ...made, here, there };
}

/** A sequence number further on, or back. */
const moved = (seq: Tcb['iss'], by: number): Tcb['iss'] => ((seq + by) >>> 0) as Tcb['iss'];

/** Lets the client send, or retransmit, what the server takes in. */
function exchange({ network, client, server, here }: Open): void {
  if (here.state === 'ESTABLISHED') tcpCalls.send(here, new Uint8Array(3000));
  client.kick();
  server.kick();
  network.run(seconds(1));
}

function isBroken(t: ExecutionContext, invariant: Promised, message: RegExp, action: () => void): void {
  const violation = t.throws(action, { instanceOf: InvariantViolation, message });
  t.is(violation?.invariant, invariant);
  t.regex(violation?.message ?? '', new RegExp(`^invariant ${invariant} .* at [0-9.]+ s: (client|server)`));
}

/** Octets to write into a packet, from a place on. */
type Change = readonly [at: number, ...octets: number[]];

/** A segment with text as the server would send it, IPv4 header first, with these changes and good sums. */
function forged({ server, link, network, there }: Open, ...changes: readonly Change[]): Uint8Array {
  let packet = new Uint8Array(0);
  const tap: Tap = (bytes, length) => {
    packet = bytes.slice(0, length);
  };
  link.backward.taps.push(tap);
  link.backward.filter = () => true;
  tcpCalls.send(there, new Uint8Array(10));
  server.kick();
  network.run(ms(1));
  link.backward.taps.pop();
  link.backward.filter = null;
  for (const [at, ...octets] of changes) packet.set(octets, at);
  return withSums(packet);
}

function withSums(packet: Uint8Array): Uint8Array {
  packet.set([0, 0], 10);
  packet.set(u16(internetChecksum(packet.subarray(0, 20))), 10);
  packet.set([0, 0], 36);
  const pseudoHeader = octets(packet.subarray(12, 20), 0, 6, u16(packet.length - 20));
  packet.set(u16(internetChecksum(octets(pseudoHeader, packet.subarray(20)))), 36);
  return packet;
}

const read32 = (packet: Uint8Array, at: number): number => new DataView(packet.buffer).getUint32(at);

/** A watch of its own, that is told by hand what the server does. */
function handWatch({ there, network }: Open): { watch: HostWatch; leaves: (packet: Uint8Array) => void } {
  const watch = new Invariants().watch('server', null);
  watch.observer.state?.(there, 'SYN-RECEIVED', 'ESTABLISHED', network.now);
  return {
    watch,
    leaves: (packet) => watch.observer.packet?.('out', 1, packet, packet.length, network.now, plainPacket),
  };
}

test('invariant 1: another octet than the one that was written is found when it arrives', (t) => {
  const all = open();
  const { network, client, here, link } = all;
  tcpCalls.send(here, new Uint8Array(1000));
  client.kick();
  link.forward.filter = () => {
    here.sendQueue.write(10, Uint8Array.of(1), 0, 1); // as if another octet had been written
    return false;
  };

  isBroken(t, 1, /octet 5010 is another one/, () => network.run(seconds(1)));
});

test('invariant 1: text that nobody has written is found', (t) => {
  const all = open();
  all.there.rcv.nxt = moved(all.there.rcv.nxt, 7);
  all.there.rcv.edge = all.there.rcv.nxt;

  isBroken(t, 1, /received 7 octets that nobody has written/, () => exchange({ ...all, here: all.there }));
});

test('invariant 1: the end of a stream that has not ended is found', (t) => {
  const all = open();
  all.there.finReceived = true;
  tcpCalls.send(all.here, new Uint8Array(1));

  isBroken(t, 1, /ends before the peer has ended/, () => exchange(all));
});

test('invariant 1: more that was read than written is found', (t) => {
  const all = open();
  all.there.octetsIn = 100_000;

  isBroken(t, 1, /more has been read than written/, () => exchange(all));
});

test('invariant 2: a receiver that goes back is found', (t) => {
  const all = open();
  all.there.rcv.nxt = moved(all.there.rcv.nxt, -1);

  isBroken(t, 2, /RCV.NXT goes back/, () => exchange(all));
});

test('invariant 2: a right edge that goes back is found', (t) => {
  const all = open();
  all.there.rcv.edge = moved(all.there.rcv.edge, -1);

  isBroken(t, 2, /right edge goes back/, () => exchange(all));
});

test('invariant 2: an acknowledgment of what has not come is found', (t) => {
  const all = open();
  const packet = forged(all);
  packet.set(u32(read32(packet, 28) + 3), 28);

  isBroken(t, 2, /acknowledges 3 octets that have not come/, () => handWatch(all).leaves(withSums(packet)));
});

test('invariant 2: a window that takes back what was offered is found', (t) => {
  const all = open();
  const offer = forged(all);
  const less = forged(all, [34, 0, 1]);
  const { leaves } = handWatch(all);
  leaves(offer);

  isBroken(t, 2, /takes back \d+ octets of its window/, () => leaves(less));
});

test('invariant 3: an acknowledgment that goes back is found', (t) => {
  const all = open();
  all.here.snd.una = moved(all.here.snd.una, -1);

  isBroken(t, 3, /SND.UNA goes back/, () => all.network.run(0) ?? all.client.turn());
});

test('invariant 3: more that was acknowledged than sent is found', (t) => {
  const all = open();
  all.here.snd.una = moved(all.here.snd.una, 1);

  isBroken(t, 3, /SND.UNA is beyond SND.NXT/, () => all.client.turn());
});

test('invariant 3: a number that moves without a segment is found', (t) => {
  const all = open();
  all.here.snd.nxt = moved(all.here.snd.nxt, 1);

  isBroken(t, 3, /SND.NXT is beyond what has been sent/, () => all.client.turn());
});

test('invariant 3: text beyond the window of the peer is found', (t) => {
  const all = open();
  all.here.congestion.onCongestion = () => {};
  tcpCalls.send(all.here, new Uint8Array(200_000));
  Object.defineProperty(all.here.congestion, 'cwnd', { get: () => 1000, set: () => {} });
  all.here.snd.wnd = 1 << 20;

  isBroken(t, 3, /sends \d+ octets more than the peer has offered/, () => exchange(all));
});

test('invariant 3: text beyond cwnd is found', (t) => {
  const all = open();
  const { leaves } = handWatch(all);
  leaves(forged(all)); // lost, and so in flight
  const second = forged(all);
  Object.defineProperty(all.there.congestion, 'cwnd', { value: 1 });

  isBroken(t, 3, /2 segments in flight with cwnd 1$/, () => leaves(second));
});

test('invariant 4: text outstanding without a timer is found', (t) => {
  const all = open();
  const { here, client, link, network } = all;
  link.forward.filter = () => true;
  tcpCalls.send(here, new Uint8Array(100));
  client.turn();
  here.timers.retransmit = Number.POSITIVE_INFINITY;
  here.timers.probe = Number.POSITIVE_INFINITY;
  client.kick();

  isBroken(t, 4, /nothing will send what is left/, () => network.run(ms(1)));
});

test('invariant 4: a timer that the stack does not know of is found', (t) => {
  const all = open();
  const { here, client, network } = all;
  here.context.deadlines.set(here, Number.POSITIVE_INFINITY);
  here.timers.keepAlive = network.now + 1000;

  isBroken(t, 4, /a timer that nobody sees/, () => client.turn());
});

test('invariant 4: text that nobody will acknowledge is found', (t) => {
  const all = open();
  all.there.ack.lastSent = moved(all.there.ack.lastSent, -5);

  isBroken(t, 4, /no acknowledgment will leave/, () => all.server.turn());
});

test('invariant 4: TIME-WAIT without an end is found', (t) => {
  const all = open();
  const { network, client, server, here, there } = all;
  for (const [host, tcb] of [
    [client, here],
    [server, there],
  ] as const) {
    tcpCalls.receive(tcb, new Uint8Array(10_000), network.now);
    tcpCalls.shutdownSend(tcb, network.now); // its user still holds it, so it does not come to rest
    host.kick();
    network.run(seconds(1));
  }
  t.is(here.state, 'TIME-WAIT');
  here.timers.timeWait = Number.POSITIVE_INFINITY;

  isBroken(t, 4, /nothing will end it/, () => client.turn());
});

/** Instead of dropping a segment, the client aborts. */
function abortInsteadOfDropping({ here, network }: Open): void {
  const drop = () => {
    tcpCalls.abort(here, network.now);
    here.isOrphan = false;
  };
  Object.defineProperty(here.context, 'drop', { value: drop });
}

test('invariant 6: a reset that acts beside RCV.NXT is found', (t) => {
  const all = open();
  const packet = forged(all, [33, RST], [28, 0, 0, 0, 0]);
  packet.set(u32(read32(packet, 24) + 100), 24);
  abortInsteadOfDropping(all);

  isBroken(t, 6, /reset at RCV.NXT \+ 100/, () => all.client.receive(withSums(packet), packet.length, 1));
});

test('invariant 6: a segment that is no reset and ends a connection is found', (t) => {
  const all = open();
  const packet = forged(all);
  packet.set(u32(read32(packet, 28) + 1000), 28);
  abortInsteadOfDropping(all);

  const arrive = () => all.client.receive(withSums(packet), packet.length, 1);
  isBroken(t, 6, /a segment without RST has ended ESTABLISHED/, arrive);
});

test('invariant 7: two resets for one packet are found', (t) => {
  const all = open();
  const packet = forged(all);
  const reset = forged(all, [33, RST], [28, 0, 0, 0, 0]);
  const { watch, leaves } = handWatch(all);
  watch.arriving(packet, packet.length);
  watch.arrived(0);
  leaves(reset);
  watch.turned(0);

  watch.arriving(packet, packet.length);
  watch.arrived(0);
  leaves(reset);
  leaves(reset);
  isBroken(t, 7, /2 resets and ICMP messages answer 1 packets/, () => watch.turned(0));
});

test('invariant 7: an answer to a packet with a bad checksum is found', (t) => {
  const all = open();
  const packet = forged(all);
  packet.set([1], 60);
  const reset = forged(all, [33, RST], [28, 0, 0, 0, 0]);
  const { watch, leaves } = handWatch(all);
  watch.arriving(packet, packet.length);
  leaves(reset);

  isBroken(t, 7, /1 resets and ICMP messages answer 0 packets/, () => watch.turned(0));
});

test('invariant 7: ICMP errors about errors, about later pieces and about what went to many are found', (t) => {
  const all = open();
  const text = udp(4, [7, 9], pattern(20));
  const quotes: readonly (readonly [RegExp, Uint8Array])[] = [
    [/answers an error/, v4(icmp(4, 3, 1, pattern(32)), { protocol: 1 })],
    [/answers a later piece/, v4(text, { place: 5 })],
    [/answers what was sent to many/, v4(text, { destination: '224.0.0.1' })],
    [/answers nobody/, v4(text, { source: '0.0.0.0' })],
    [/quotes too little/, v4(text).subarray(0, 16)],
  ];
  for (const [what, quote] of quotes) {
    const error = v4(icmp(4, 3, 3, octets(0, 0, 0, 0, quote)), { protocol: 1 });
    isBroken(t, 7, new RegExp(`an ICMP error that ${what.source}`), () => handWatch(all).leaves(error));
  }
  t.notThrows(() => handWatch(all).leaves(v4(icmp(4, 3, 3, octets(0, 0, 0, 0, v4(text))), { protocol: 1 })));
});

test('invariant 8: more in a queue than its limit is found', (t) => {
  const all = open();
  all.here.sendQueue.append(new Uint8Array(300_000), 0, 300_000);

  isBroken(t, 8, /queues 300000 octets to send/, () => all.client.turn());
});

test('invariant 8: more to read than the receive buffer holds is found', (t) => {
  const all = open();
  all.there.receiveQueue.append(new Uint8Array(70_000), 0, 70_000);

  isBroken(t, 8, /holds 75000 octets of 65664/, () => all.server.turn());
});

test('invariant 8: a larger window than there is room for is found', (t) => {
  const all = open();
  all.there.rcv.edge = moved(all.there.rcv.edge, 200_000);

  isBroken(t, 8, /offers \d+ octets of 65664/, () => all.server.turn());
});

test('invariant 8: a timer of a connection that has ended is found', (t) => {
  const all = open();
  tcpCalls.abort(all.here, all.network.now);
  all.here.timers.keepAlive = all.network.now + 1;

  isBroken(t, 8, /still has its keepAlive timer/, () => all.client.turn());
});

const [SYN, RST, PSH, ACK] = [2, 4, 8, 16] as const;

/** Packets that are not well formed, and whether their sums are made good after the change. */
const malformed: readonly (readonly [RegExp, 'good sums' | 'as it is', ...Change[]])[] = [
  [/cannot be read/, 'good sums', [0, 0x55]],
  [/is 62 octets long and says 61/, 'as it is', [2, 0, 61]],
  [/has a bad header checksum/, 'as it is', [10, 0, 0]],
  [/has no hops left/, 'good sums', [8, 0]],
  [/has the reserved bit/, 'good sums', [6, 0xc0]],
  [/is a piece and must not be cut/, 'good sums', [6, 0x60]],
  [/comes from many/, 'good sums', [12, 224]],
  [/goes nowhere/, 'good sums', [16, 0, 0, 0, 0]],
  [/has a bad checksum/, 'as it is', [36, 0, 0]],
  [/has reserved bits/, 'good sums', [32, 0x81]],
  [/has no port/, 'good sums', [20, 0, 0]],
  [/opens and closes/, 'good sums', [33, SYN | RST]],
  [/has neither SYN nor RST nor ACK/, 'good sums', [33, PSH]],
  [/acknowledges without ACK/, 'good sums', [33, RST]],
  [/has an urgent pointer without URG/, 'good sums', [38, 0, 1]],
  [/is a reset to many/, 'good sums', [16, 224], [33, RST | ACK]],
  [/has octets behind the end of its options/, 'good sums', [40, 0, 1]],
  [/has option 2 without SYN/, 'good sums', [40, 2, 4, 5, 0xb4]],
  [/has option 3 of 4 octets/, 'good sums', [33, SYN | ACK], [40, 3, 4, 7, 0]],
  [/has a window scale beyond 14/, 'good sums', [33, SYN | ACK], [40, 3, 3, 15, 1]],
  [/has an option without an end/, 'good sums', [40, 8, 40]],
  [/has bad timestamps/, 'good sums', [40, 8, 8]],
  [/has SACK blocks in a SYN/, 'good sums', [33, SYN | ACK], [40, 5, 10]],
  [/has bad SACK blocks/, 'good sums', [40, 5, 8]],
  [/has an empty SACK block/, 'good sums', [40, 1, 5, 10, 0, 0, 0, 1, 0, 0, 0, 1, 1]],
  [/has option 77/, 'good sums', [40, 77, 2]],
];

for (const [what, sums, ...changes] of malformed) {
  test(`invariant 9: a packet that ${what.source} is found`, (t) => {
    const all = open();
    const packet = sums === 'good sums' ? forged(all, ...changes) : forged(all);
    if (sums === 'as it is') for (const [at, ...octets] of changes) packet.set(octets, at);

    isBroken(t, 9, new RegExp(`a packet that ${what.source}$`), () => handWatch(all).leaves(packet));
  });
}

test('invariant 9: a packet of a running connection is looked at', (t) => {
  const all = open();
  all.here.context.sendAlone(
    all.here.local,
    all.here.remote,
    1,
    octets(0, 80, 0, 81, pattern(8), 0x50, RST, pattern(6)),
  );

  isBroken(t, 9, /a packet that has a bad checksum/, () => all.client.turn());
});

test('invariant 10: an arc that does not exist is found', (t) => {
  const { observer } = new Invariants().watch('client', null);
  const { here, network } = open();

  isBroken(t, 10, /ESTABLISHED to SYN-SENT/, () => observer.state?.(here, 'ESTABLISHED', 'SYN-SENT', network.now));
});

test('invariant 10: a state that changes without anybody being told is found', (t) => {
  const all = open();
  all.here.state = 'CLOSE-WAIT';

  isBroken(t, 10, /was ESTABLISHED and nobody was told/, () => all.client.turn());
});

test('invariant 12: a packet with a bad checksum that changes something is found', (t) => {
  const all = open();
  const { drops } = all.client.stack.counters;
  const packet = forged(all);
  packet.set([1], 60);
  let count = drops['bad TCP checksum'];
  all.client.receive(packet, packet.length, 1); // changes nothing but that counter
  t.is(drops['bad TCP checksum'], ++count);

  const set = () => {
    count++;
    all.here.snd.wnd++;
  };
  Object.defineProperty(drops, 'bad TCP checksum', { enumerable: true, get: () => count, set });
  isBroken(t, 12, /has become/, () => all.client.receive(packet, packet.length, 1));
});

test('invariant 12: a packet with a bad checksum that is not counted is found', (t) => {
  const all = open();
  const packet = forged(all);
  packet.set([1], 60);
  Object.defineProperty(all.client.stack.counters.drops, 'bad TCP checksum', { get: () => 0, set: () => {} });

  isBroken(t, 12, /it was not counted/, () => all.client.receive(packet, packet.length, 1));
});

test('invariant 11: the fingerprint is the same for the same seed, and another one for another seed', (t) => {
  const print = (seed: number): number | undefined =>
    open({ seed, link: { delay: ms(5), loss: 0.1 } }).network.invariants?.fingerprint;

  t.is(print(5), print(5));
  t.not(print(5), print(6));
});

test('a network checks nothing unless it is asked to', (t) => {
  const all = open({ invariants: false });
  all.there.octetsIn = 100_000;

  t.is(all.network.invariants, null);
  t.notThrows(() => exchange(all));
});
