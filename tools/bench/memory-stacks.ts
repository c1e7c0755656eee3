import { anyV4, ipv4, SeededRandom, Stack, type Tcb, tcpCalls } from '../../src/stack/index.ts';
import { footprint, perEach } from './footprint.ts';

/**
 * What a connection occupies in the core alone: two stacks in one process, with nothing but a buffer between them and no
 * sockets. Prints, per end of a connection, the octets when nothing has been sent yet and after an octet each way.
 */
const count = Number(process.argv[2]);
const packet = new Uint8Array(65_536);
const into = new Uint8Array(16);
const octet = new Uint8Array(1);
const [here, there] = [stackAt(0x0a000001, 1), stackAt(0x0a000002, 2)];
let now = 0;

const listener = there.tcp.listen(there.tcp.bind(anyV4, 7), 1);
const first = connect(100);
exchange(first);
const before = footprint();
const ends = connect(count);
const silent = perEach(before, footprint(), ends.length);
exchange(ends);
const used = perEach(before, footprint(), ends.length);
process.stdout.write(`${JSON.stringify({ silent, used })}\n`);

/** Makes connections. Returns both ends of each. */
function connect(howMany: number): Tcb[] {
  return Array.from({ length: howMany }, () => {
    const connecting = here.tcp.connect(ipv4(0x0a000002), 7, null, anyV4, now);
    turn();
    turn();
    const accepted = there.tcp.accept(listener);
    if (accepted === null) throw new Error('a connection was not made');
    return [connecting, accepted];
  }).flat();
}

/** Lets each end say one octet, which the other reads, and waits until everything is acknowledged. */
function exchange(ends: readonly Tcb[]): void {
  for (const end of ends) {
    tcpCalls.send(end, octet);
    turn();
  }
  for (const end of ends) tcpCalls.receive(end, into, now);
  for (let turns = 0; turns < 100; turns++) turn();
}

/** Passes packets on, each way once. */
function turn(): void {
  now += 10_000;
  for (const [from, to] of [
    [here, there],
    [there, here],
  ] as const) {
    from.advance(now);
    for (let length = from.transmit(packet, now); length > 0; length = from.transmit(packet, now))
      to.receive(packet, length, now);
    while (from.changed.take() !== null);
  }
}

function stackAt(address: number, seed: number): Stack {
  const stack = new Stack(new SeededRandom(seed));
  stack.addInterface({ name: 'bench', mtu: 1500, addresses: [{ address: ipv4(address), bits: 24 }] });
  return stack;
}
