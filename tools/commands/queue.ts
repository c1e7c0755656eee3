import { parentPort, workerData } from 'node:worker_threads';
import { openPlannedHost, startServices } from './on-tun.ts';
import type { QueuePlan } from './queues.ts';

/** One of the threads of `host --queues N`: a stack of its own behind a queue of the interface, until it is told to end. */
const { plan, queue } = workerData as QueuePlan;
const host = await openPlannedHost(plan, queue);
const stop = await startServices(host, plan, queue);
parentPort!.once('message', () => {
  stop();
  void host.close(1000).then(() => parentPort!.close());
});
parentPort!.postMessage('up');
