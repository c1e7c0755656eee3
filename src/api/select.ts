import { seconds } from '../stack/index.ts';
import { checkNumber } from './arguments.ts';
import { type Result, texts } from './errors.ts';
import type { OpenSocket, SocketHost } from './host.ts';

/** A socket, or its descriptor number. */
export type Selectable = OpenSocket | number;

/** Those of each list that are ready, as they were given. */
export type Selected = readonly [readers: Selectable[], writers: Selectable[], others: Selectable[]];

export type Select = (
  readers: readonly Selectable[] | null,
  writers?: readonly Selectable[] | null,
  others?: readonly Selectable[] | null,
  timeout?: number,
) => Promise<Result<Selected>>;

/**
 * select(2): waits until something can be read or accepted, written, or has an urgent octet; an error makes a socket readable
 * and writable.
 * @param timeout seconds; 0 only looks, negative (the default) waits without limit
 * @throws TypeError a timeout that is no number, a list that is none, something in a list that is neither socket nor number
 * @returns three lists of what is ready, all empty when the time was over; EBADF a descriptor that there is not, or the host
 *   has been closed
 */
export async function select(
  host: SocketHost,
  readers: readonly Selectable[] | null,
  writers: readonly Selectable[] | null = null,
  others: readonly Selectable[] | null = null,
  timeout = -1,
): Promise<Result<Selected>> {
  checkNumber(timeout, 'timeout');
  const lists = [
    checkedList(readers, 'readers'),
    checkedList(writers, 'writers'),
    checkedList(others, 'others'),
  ] as const;
  const wanted = lists.flat().map((each) => socketOf(host, each));
  const sockets = wanted.filter((socket) => socket !== null);
  if (sockets.length < wanted.length || sockets.some((socket) => socket.fileno() < 0)) return [null, texts.EBADF];
  const ready = (): Selected => [
    lists[0].filter((each) => isReadable(socketOf(host, each)!)),
    lists[1].filter((each) => isWritable(socketOf(host, each)!)),
    lists[2].filter((each) => socketOf(host, each)!.poll().urgent),
  ];
  const { runner } = host;
  const deadline = timeout < 0 ? Number.POSITIVE_INFINITY : runner.now() + seconds(timeout);
  for (;;) {
    if (host.isClosed) return [null, texts.EBADF];
    const found = ready();
    if (found.some((list) => list.length > 0) || runner.now() >= deadline) return [found, null];
    await changeOf(host, sockets, deadline);
    if (sockets.some((socket) => socket.fileno() < 0)) return [null, texts.EBADF];
  }
}

/** Settles at the next change of any of the sockets, or at the deadline. */
function changeOf(host: SocketHost, sockets: readonly OpenSocket[], deadline: number): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      for (const cancel of cancels) cancel();
      resolve();
    };
    const cancels = [...new Set(sockets)].map((socket) => socket.onceChanged(done));
    host.closing.next(done);
    cancels.push(() => host.closing.forget(done));
    if (deadline !== Number.POSITIVE_INFINITY) cancels.push(host.runner.at(deadline, done));
  });
}

function checkedList(list: readonly Selectable[] | null, what: string): readonly Selectable[] {
  const isSelectable = (each: unknown): boolean =>
    typeof each === 'number' || (typeof each === 'object' && each !== null && 'fileno' in each);
  if (list === null) return [];
  if (!Array.isArray(list) || !list.every(isSelectable))
    throw new TypeError(`${what}: a list of sockets and descriptor numbers, or null`);
  return list;
}

function socketOf(host: SocketHost, each: Selectable): OpenSocket | null {
  return typeof each === 'number' ? host.socketAt(each) : each;
}

function isReadable(socket: OpenSocket): boolean {
  const { readable, error, readHungUp, hungUp } = socket.poll();
  return readable || error || readHungUp || hungUp;
}

function isWritable(socket: OpenSocket): boolean {
  const { writable, error } = socket.poll();
  return writable || error;
}
