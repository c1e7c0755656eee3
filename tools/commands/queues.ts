import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';
import { startThread } from '../../src/threads/start.ts';
import type { HostPlan } from './options.ts';

/**
 * Threads beside this one, each with a queue of the interface and a stack of its own (queue.ts). They share the addresses and
 * serve the same ports: whose connection it is, the kernel's hash of the flow says.
 */

export interface QueuePlan {
  readonly plan: HostPlan;
  /** From 1 on: 0 is this thread's. */
  readonly queue: number;
}

/** Starts all but the first, which has to be open already. Resolves with how to end them. @throws Error one cannot be had */
export async function startQueues(plan: HostPlan): Promise<() => Promise<void>> {
  const threads: Worker[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(
      threads.map(async (thread) => {
        const ended = once(thread, 'exit');
        thread.postMessage('close');
        await ended;
      }),
    );
  };
  try {
    for (let queue = 1; queue < plan.queues; queue++) {
      const thread = startThread('./queue', import.meta.url, { plan, queue } satisfies QueuePlan);
      threads.push(thread);
      await once(thread, 'message'); // rejects with what went wrong
    }
  } catch (error) {
    await Promise.all(threads.map((thread) => thread.terminate()));
    throw error;
  }
  return close;
}
