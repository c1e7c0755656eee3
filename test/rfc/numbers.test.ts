/** Numbers that nobody may foretell: initial sequence numbers, ephemeral ports, the clocks of timestamps. */
import test from 'ava';
import { anyV4, type Tcb } from '../../src/stack/index.ts';
import { addressOf, Lone } from '../helpers/packets.ts';
import { Peer, readSegment } from '../helpers/tcp-peer.ts';

/** Opens a connection to port 80 of a neighbour, from the port given or any. */
function connect(host: Lone, to: string, from = 0): Tcb {
  const { tcp } = host.stack;
  const claim = from === 0 ? null : tcp.bind(anyV4, from);
  return tcp.connect(addressOf(to), 80, claim, anyV4, host.now);
}

/** The initial sequence number of a connection attempt, which is given up. */
function issOf(host: Lone, to: string, from: number): number {
  const tcb = connect(host, to, from);
  const [syn] = host.sent().map(readSegment);
  tcb.context.demux.remove(tcb);
  tcb.releasePort?.();
  return syn!.seq;
}

test('MUST-8: the initial sequence number of one four-tuple goes on by one every 4 us', (t) => {
  const host = new Lone();

  const first = issOf(host, '10.0.0.2', 4000);
  host.now += 4_000_000;
  const second = issOf(host, '10.0.0.2', 4000);

  t.is((second - first) >>> 0, 1_000_000);
});

test('SHLD-1, 6528-1: the numbers of different four-tuples lie all over the circle', (t) => {
  const host = new Lone();
  const quarters = [0, 0, 0, 0];

  for (let port = 4000; port < 4400; port++) quarters[issOf(host, '10.0.0.2', port) >>> 30]!++;

  for (const count of quarters) t.true(count > 60 && count < 140, quarters.join());
});

test('MUST-9: what is known of the numbers of one connection tells nothing about another one, nor about another host', (t) => {
  const offsets = (seed: number): number[] => {
    const host = new Lone({ seed });
    return [4000, 4001, 4002, 5000].map((port) => issOf(host, '10.0.0.2', port));
  };
  const [first, second] = [offsets(1), offsets(2)];

  // Neither the differences between ports nor those between hosts repeat.
  const steps = first.slice(1).map((each, index) => (each - first[index]!) >>> 0);
  t.is(new Set(steps).size, steps.length);
  const between = first.map((each, index) => (each - second[index]!) >>> 0);
  t.is(new Set(between).size, between.length);
});

test('6056-1: ephemeral ports are spread over all of their range, and those of two hosts have nothing in common', (t) => {
  const ports = (seed: number): number[] => {
    const host = new Lone({ seed });
    return Array.from({ length: 300 }, () => connect(host, '10.0.0.2').localPort);
  };
  const [first, second] = [ports(1), ports(2)];

  t.is(new Set(first).size, first.length);
  t.true(Math.min(...first) >= 32_768 && Math.max(...first) <= 60_999);
  t.true(Math.max(...first) - Math.min(...first) > 26_000);
  const steps = first.slice(1).map((port, index) => port - first[index]!);
  t.true(new Set(steps).size > 290);
  t.true(first.filter((port, index) => port === second[index]).length < 3);
});

test('7323-7: the clock of timestamps ticks every millisecond, from another offset for each connection', (t) => {
  const timestamps = [8, 10, 0, 0, 0, 9, 0, 0, 0, 0];
  const host = new Lone();
  const offsets = new Set<number>();
  for (let port = 4000; port < 4020; port++) {
    connect(host, '10.0.0.2', port);
    const value = readSegment(host.sent()[0]!).options.get(8)!;
    offsets.add(new DataView(value.buffer, value.byteOffset).getUint32(0));
  }
  t.is(offsets.size, 20);

  const peer = new Peer({ synOptions: timestamps });
  const timestampOf = (octets: Uint8Array): number => new DataView(octets.buffer, octets.byteOffset).getUint32(0);
  const [first] = peer.send({ text: new Uint8Array(10), options: timestamps });
  peer.host.now += 5_000_000;
  const [second] = peer.send({ text: new Uint8Array(10), options: timestamps });
  t.is((timestampOf(second!.options.get(8)!) - timestampOf(first!.options.get(8)!)) >>> 0, 5000);
});
