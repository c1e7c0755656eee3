/** Options of TCP: what is sent, what is read, and when it counts (RFC 9293 section 3.1, RFC 7323). */
import test from 'ava';
import { anyV4, defaultOptions, seconds, tcpCalls } from '../../src/stack/index.ts';
import { addressOf, Lone, u32 } from '../helpers/packets.ts';
import { Peer, readSegment } from '../helpers/tcp-peer.ts';

const day = seconds(86_400);
const stamp = (value: number, echo = 0): number[] => [8, 10, ...u32(value >>> 0), ...u32(echo >>> 0)];

test('MUST-69, SHLD-5: options fill whole words with no-operations, whatever is offered; MSS is always there', (t) => {
  for (let choice = 0; choice < 8; choice++) {
    const tcp = { sack: (choice & 1) !== 0, timestamps: (choice & 2) !== 0, windowScaling: (choice & 4) !== 0 };
    const host = new Lone({ options: { tcp } });
    host.stack.tcp.connect(addressOf('10.0.0.2'), 80, null, anyV4, host.now);
    const [syn] = host.sent().map(readSegment);

    t.is(syn!.optionOctets.length % 4, 0);
    t.true(syn!.options.has(2));
    let at = 0;
    for (; at < syn!.optionOctets.length && syn!.optionOctets[at] !== 0; ) {
      at += syn!.optionOctets[at] === 1 ? 1 : syn!.optionOctets[at + 1]!;
    }
    t.true(syn!.optionOctets.subarray(at).every((octet) => octet === 0)); // behind an end of the list, if there is one
  }
});

test('MUST-65: an MSS option without SYN changes nothing, and none of ours leaves without SYN', (t) => {
  const peer = new Peer();
  peer.send({ options: [2, 4, 0, 100], text: new Uint8Array(10) });
  tcpCalls.send(peer.tcb, new Uint8Array(5000));
  const said = peer.said();

  t.is(said[0]!.text.length, 1460);
  t.true(said.every(({ options }) => !options.has(2)));
});

test('7323-6: after 24 days without a word any timestamp is good again', (t) => {
  for (const [days, taken] of [
    [20, 0],
    [25, 10],
  ] as const) {
    const peer = new Peer({ synOptions: [2, 4, 5, 180, ...stamp(1_000_000)] });
    peer.send({ options: stamp(1_000_000) });
    peer.host.now += days * day;

    peer.send({ options: stamp(500_000), text: new Uint8Array(10) });

    t.is(peer.tcb.receiveQueue.length, taken, `${days} days`);
  }
});

test('7323-8: an echo of zero, of the future or of long ago measures no round trip', (t) => {
  const roundTripWith = (change: (echo: number) => number): number => {
    const peer = new Peer({ synOptions: [2, 4, 5, 180, ...stamp(7)] });
    tcpCalls.send(peer.tcb, new Uint8Array(100));
    peer.said();
    // The segment is sent twice, so that nothing but the echo could tell its round trip.
    const again = peer.pass(seconds(2)).at(-1)!;
    peer.host.now += 40_000;
    const value = again.options.get(8)!;
    const before = peer.tcb.rtt.srtt;
    const echo = new DataView(value.buffer, value.byteOffset).getUint32(0);
    peer.send({ ack: peer.ack + 100, options: stamp(8, change(echo)) });
    return peer.tcb.rtt.srtt - before;
  };

  t.not(
    roundTripWith((echo) => echo),
    0,
  );
  t.is(
    roundTripWith(() => 0),
    0,
  );
  t.is(
    roundTripWith((echo) => echo + 5000),
    0,
  );
  t.is(
    roundTripWith((echo) => echo - 3_600_000),
    0,
  );
});

test('MUST-28: an idle peer is asked after two hours at the earliest, unless somebody has set another time', (t) => {
  const peer = new Peer({ settings: { keepAlive: true } });

  t.deepEqual(peer.pass(seconds(7199)), []);
  t.is(peer.pass(seconds(2)).length, 1);
});

test('SHLD-10: the way is not doubted before the third retransmission', (t) => {
  t.true(defaultOptions.tcp.retriesBeforeDoubt >= 3);
  const peer = new Peer({ options: { tcp: { mtuProbing: 1 } } });
  tcpCalls.send(peer.tcb, new Uint8Array(1460));
  const sizes = [...peer.said(), ...peer.pass(seconds(60))].map(({ text }) => text.length);

  const smaller = sizes.findIndex((size) => size < 1460);
  t.true(smaller >= 4, sizes.join()); // the segment itself and three copies of it
});
