import { workerData } from 'node:worker_threads';
import type { OpenHostOptions } from '../api/node/index.ts';
import { Counter } from './counter.ts';
import { type MemoryPlan, serveMemory, serveTun } from './hosts.ts';
import type { SharedSlots } from './slots.ts';

/** The thread that turns a host, or several in memory, for threads that sleep. */

export interface WorkerPlan {
  readonly slots: SharedSlots;
  readonly tun: OpenHostOptions | null;
  readonly memory: MemoryPlan | null;
  /** Becomes 1 when calls are served, 2 when the host cannot be had; then the reason stands behind it. */
  readonly started: SharedArrayBuffer;
}

const { slots, tun, memory, started } = workerData as WorkerPlan;
const counter = new Counter(slots);
// What waits for the bell keeps no thread alive by itself.
const held = setInterval(() => {}, 2 ** 30);
// However this thread ends, nobody sleeps on for an answer.
process.on('exit', () => counter.close());

try {
  const ready = (): void => tell(1);
  await (tun === null ? serveMemory(counter, memory!, ready) : serveTun(counter, tun, ready));
} catch (error) {
  tell(2, error instanceof Error ? error.message : String(error));
}
clearInterval(held);

function tell(word: number, reason = ''): void {
  const bytes = new TextEncoder().encode(reason).subarray(0, started.byteLength - 8);
  new Uint8Array(started, 8).set(bytes);
  const words = new Int32Array(started, 0, 2);
  words[1] = bytes.length;
  Atomics.store(words, 0, word);
  Atomics.notify(words, 0);
}
