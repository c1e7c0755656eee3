import { Worker } from 'node:worker_threads';
import { type BlockingHost, openBlockingNetwork } from '../../src/blocking/index.ts';
import { median } from './median.ts';
import type { BenchOptions } from './options.ts';

/**
 * What the blocking face costs: a call that need not wait, and how soon a sleeping thread goes on. Two threads send an octet to
 * and fro over a link without delay: each way is a call that sends, and the waking of the one that waits.
 */
export function benchBlocking({ isJson }: BenchOptions): void {
  const network = openBlockingNetwork({
    hosts: { here: {}, there: {} },
    links: [{ between: ['here', 'there'], addresses: ['10.0.0.1/24', '10.0.0.2/24'] }],
  });
  const { here, there } = network;
  const call = callCost(here);
  const way = wayCost(here, there);
  here.close();
  const figures = { call, way, wake: Math.max(0, way - call) };
  if (isJson) return void process.stdout.write(`${JSON.stringify({ blocking: figures })}\n`);
  process.stdout.write(`  a call that need not wait: ${call.toFixed(1)} us (at most 100 are allowed)\n`);
  process.stdout.write(`  an octet from thread to thread: ${way.toFixed(1)} us, of which the waking takes `);
  process.stdout.write(`${figures.wake.toFixed(1)} us (at most 200 are allowed)\n`);
}

/** Microseconds, the median. */
function callCost({ socket }: BlockingHost): number {
  const [sock] = socket.udp();
  const times = Array.from({ length: calls }, () => timed(() => sock!.gettimeout()));
  sock!.close();
  return median(times.slice(calls / 10));
}

/** Microseconds from one thread's call to the other thread's return, the median. */
function wayCost({ socket }: BlockingHost, there: BlockingHost): number {
  const file = new URL('./blocking-echo.ts', import.meta.url).href;
  const code = `import('tsx/esm/api').then(({ register }) => { register(); return import(${JSON.stringify(file)}); })`;
  const started = new Int32Array(new SharedArrayBuffer(4));
  const echo = new Worker(code, { eval: true, workerData: { share: there.share, started, rounds } });
  Atomics.wait(started, 0, 0);
  const [sock] = socket.tcp();
  sock!.connect('10.0.0.2', 7);
  const octet = Uint8Array.of(1);
  const times = Array.from({ length: rounds }, () =>
    timed(() => {
      sock!.write(octet);
      sock!.read(1);
    }),
  );
  sock!.close();
  void echo.terminate();
  return median(times.slice(rounds / 10)) / 2;
}

function timed(action: () => unknown): number {
  const start = process.hrtime.bigint();
  action();
  return Number(process.hrtime.bigint() - start) / 1000;
}

const calls = 5000;
const rounds = 2000;
