import { workerData } from 'node:worker_threads';
import { Counter } from '../../src/blocking/counter.ts';
import { type MemoryPlan, serveMemory, serveTun } from '../../src/blocking/hosts.ts';
import type { SharedSlots } from '../../src/blocking/slots.ts';
import { Flag } from './blocking-flag.ts';

/**
 * The thread of the host in the blocking benchmark: src/blocking/worker.ts, but for a watch that notes when the last packet came
 * in. Both threads read the same clock.
 */

export interface HostPlan {
  readonly slots: SharedSlots;
  readonly ready: Int32Array;
  /** Nanoseconds. */
  readonly arrived: BigInt64Array;
  /** Null: on a TUN. */
  readonly memory: MemoryPlan | null;
}

const { slots, ready, arrived, memory } = workerData as HostPlan;
const counter = new Counter(slots);
const held = setInterval(() => {}, 2 ** 30);
const isReady = (): void => new Flag(ready).raise();
const observer = {
  packet: (direction: 'in' | 'out'): void => {
    if (direction === 'in') arrived[0] = process.hrtime.bigint();
  },
};
if (memory !== null) await serveMemory(counter, memory, isReady, observer);
else {
  const addresses = { address: '10.77.0.2/24', peer: '10.77.0.1/24' };
  await serveTun(counter, { tun: 'tb0', ...addresses, resolver: null, observer }, isReady);
}
clearInterval(held);
