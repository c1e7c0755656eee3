import { getHeapStatistics } from 'node:v8';
import { anyV4, ipv4, SeededRandom, Stack, type Tcb, tcpCalls } from '../../src/stack/index.ts';

/**
 * Bulk data from one stack into another: what the core costs per segment, with nothing but a buffer between the two.
 * Real time passes in the loop, virtual time in the stacks, 10 us per turn.
 */
export function benchStacks(): void {
  const runs = Array.from({ length: rounds + 1 }, transfer).slice(1); // the first one warms the compiler up
  const median = (pick: (run: Run) => number): number => runs.map(pick).sort((a, b) => a - b)[rounds >> 1]!;
  const octets = totalOctets / 1e6;
  process.stdout.write(
    `  ${(octets / median(({ seconds }) => seconds)).toFixed(0)} MB/s, ` +
      `${median(({ seconds, segments }) => (seconds * 1e9) / segments).toFixed(0)} ns and ` +
      `${median(({ allocated, segments }) => allocated / segments).toFixed(1)} octets allocated per segment ` +
      `(both stacks, text and acknowledgments; median of ${rounds} runs of ${octets} MB)\n`,
  );
}

interface Run {
  readonly seconds: number;
  readonly segments: number;
  readonly allocated: number;
}

function transfer(): Run {
  const [here, there] = [stackAt(0x0a000001, 1), stackAt(0x0a000002, 2)];
  const packet = new Uint8Array(2048);
  let now = 0;
  const turn = (): void => {
    now += 10;
    for (const [from, to] of [
      [here, there],
      [there, here],
    ] as const) {
      from.advance(now);
      for (let length = from.transmit(packet, now); length > 0; length = from.transmit(packet, now)) {
        to.receive(packet, length, now);
      }
      while (from.changed.take() !== null);
    }
  };
  const listener = there.tcp.listen(there.tcp.bind(anyV4, 9), 1);
  const sender = here.tcp.connect(ipv4(0x0a000002), 9, null, anyV4, now);
  let receiver: Tcb | null = null;
  while (receiver === null) {
    turn();
    receiver = there.tcp.accept(listener);
  }
  const text = new Uint8Array(65_536);
  const into = new Uint8Array(1 << 20);
  const segmentsBefore = here.counters.tcpOutSegs + there.counters.tcpOutSegs;
  const heap = new HeapGrowth();
  const start = performance.now();
  for (let received = 0, turns = 0; received < totalOctets; turns++) {
    if ((turns & 0x3ff) === 0) heap.look();
    if (tcpCalls.isWritable(sender)) tcpCalls.send(sender, text);
    turn();
    if (receiver.receiveQueue.length > 0) received += tcpCalls.receive(receiver, into, now);
  }
  const seconds = (performance.now() - start) / 1000;
  return {
    seconds,
    segments: here.counters.tcpOutSegs + there.counters.tcpOutSegs - segmentsBefore,
    allocated: heap.grown,
  };
}

/** Adds up what the heap has grown by between two looks; a collection in between hides a little. */
class HeapGrowth {
  grown = 0;
  #last: number = getHeapStatistics().used_heap_size;

  look(): void {
    const used = getHeapStatistics().used_heap_size;
    this.grown += Math.max(0, used - this.#last);
    this.#last = used;
  }
}

function stackAt(address: number, seed: number): Stack {
  const stack = new Stack(new SeededRandom(seed));
  stack.addInterface({ name: 'bench', mtu: 1500, addresses: [{ address: ipv4(address), bits: 24 }] });
  return stack;
}

const totalOctets = 500_000_000;
const rounds = 5;
