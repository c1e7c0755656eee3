import type { OpenHostOptions } from '../api/node/index.ts';
import { startThread } from '../threads/start.ts';
import { Caller } from './caller.ts';
import type { MemoryPlan } from './hosts.ts';
import { type BlockingModule, moduleFor } from './module.ts';
import { makeSlots, type SharedSlots } from './slots.ts';
import type { WorkerPlan } from './worker.ts';

/**
 * The documented module without `await`. The calling thread really sleeps; the host's stack is turned by a thread of its own.
 * Several threads can share a host: `share` can be posted to them, and `attach` makes their module.
 */

export type { MemoryHost, MemoryPlan } from './hosts.ts';
export type { BlockingFunctions, BlockingModule, BlockingSelectable } from './module.ts';
export { type BlockingRead, type BlockingReadiness, BlockingSocket, type BlockingWritten } from './socket.ts';

/** What another thread needs to take part: can be posted, and be workerData. */
export interface SharedHost {
  /** The memory by which its thread is called. */
  readonly slots: SharedSlots;
  /** Which of a network it is; '' on a TUN. */
  readonly name: string;
}

/** A host of ours that another thread turns. */
export interface BlockingHost {
  /** The documented module, for this thread: `host.socket.tcp()` and the rest. */
  readonly socket: BlockingModule;
  /** What other threads attach themselves by. */
  readonly share: SharedHost;
  /**
   * Closes all its sockets, sleeps up to so many milliseconds (1000) until connections have ended, and gives the interface back;
   * hosts of one network end together. Whoever waits there, and each call after that, is told EBADF. Twice is once.
   */
  close(timeoutMs?: number): void;
  /** `using host = openBlockingHost(…)` closes it at the end of the block. */
  [Symbol.dispose](): void;
  /** The same for `await using`, as the other face has it. It sleeps too. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Puts a host on a TUN interface, in a thread of its own, and waits until it is there. Options are `openHost`'s, but for those
 * that cannot go to another thread (a device, an observer, a source of random numbers).
 *
 * @example
 *     const host = openBlockingHost({ tun: 'tundra0', address: '10.85.0.2/24', peer: '10.85.0.1/24' });
 *     const [sock] = host.socket.tcp();
 *     sock.connect('10.85.0.1', 80);
 *
 * @throws Error the interface cannot be opened or configured
 */
export function openBlockingHost(options: Omit<OpenHostOptions, 'observer' | 'random'>): BlockingHost {
  const { caller, slots, stop } = start({ tun: options, memory: null });
  return hostOf(caller, slots, '', stop);
}

/**
 * Hosts and links in memory, in virtual time: it stands still while any thread that takes part does something of its own.
 * Every thread that was attached has to `leave` when it needs the network no longer, or time does not go on.
 *
 * @returns the hosts by their names
 * @throws Error a plan that cannot be
 */
export function openBlockingNetwork<Name extends string>(
  plan: MemoryPlan & { readonly hosts: Readonly<Record<Name, object>> },
): Readonly<Record<Name, BlockingHost>> {
  const { caller, slots, stop } = start({ tun: null, memory: plan });
  const hosts = Object.keys(plan.hosts).map((name) => [name, hostOf(caller, slots, name, stop)]);
  return Object.fromEntries(hosts) as Readonly<Record<Name, BlockingHost>>;
}

/** The module of a shared host, for this thread. @throws Error too many threads take part */
export const attach = ({ slots, name }: SharedHost): BlockingModule => moduleFor(new Caller(slots), name);

function hostOf(caller: Caller, slots: SharedSlots, name: string, stop: () => void): BlockingHost {
  const close = (timeoutMs = 1000): void => {
    caller.close(timeoutMs);
    stop();
  };
  return {
    socket: moduleFor(caller, name),
    share: { slots, name },
    close,
    [Symbol.dispose]: close,
    [Symbol.asyncDispose]: async () => close(),
  };
}

function start(plan: Pick<WorkerPlan, 'tun' | 'memory'>): { caller: Caller; slots: SharedSlots; stop: () => void } {
  const slots = makeSlots();
  const started = new SharedArrayBuffer(4096);
  const words = new Int32Array(started, 0, 2);
  const worker = startThread('./worker', import.meta.url, { ...plan, slots, started } satisfies WorkerPlan);
  worker.unref();
  Atomics.wait(words, 0, 0, mostStart);
  if (Atomics.load(words, 0) !== 1) {
    void worker.terminate();
    const reason = new TextDecoder().decode(new Uint8Array(started, 8, words[1]).slice());
    throw new Error(reason === '' ? 'the thread of the host did not start' : reason);
  }
  return { caller: new Caller(slots), slots, stop: () => void worker.terminate() };
}

/** Milliseconds. */
const mostStart = 20_000;
