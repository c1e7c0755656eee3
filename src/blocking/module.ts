import { type AddressInfo, constants, type Result, type Selected, type SocketModule } from '../api/index.ts';
import { type Caller, gone } from './caller.ts';
import type { OpenedSocket, SocketToken } from './serve.ts';
import { type BlockingSocket, badDescriptor, socketOf } from './socket.ts';

/** The documented module without `await`. */

/** A socket, or its descriptor number. */
export type BlockingSelectable = BlockingSocket | number;

export interface BlockingFunctions {
  socket(family: number, type: number, protocol?: number): Result<BlockingSocket>;
  tcp(family?: number): Result<BlockingSocket>;
  udp(family?: number): Result<BlockingSocket>;
  getaddrinfo(...args: Parameters<SocketModule['getaddrinfo']>): Result<AddressInfo[]>;
  /** Gives the sockets and numbers back that were given. */
  select(
    readers: readonly BlockingSelectable[] | null,
    writers?: readonly BlockingSelectable[] | null,
    others?: readonly BlockingSelectable[] | null,
    timeout?: number,
  ): Result<readonly BlockingSelectable[][]>;
  /** This thread has no more use for the host. Its sockets stay open: close them before. */
  leave(): void;
}

export type BlockingModule = typeof constants & BlockingFunctions;

/** The module of a host, for this thread. @param host its name where a network has several */
export function moduleFor(caller: Caller, host: string): BlockingModule {
  const ask = (method: string, ...args: readonly unknown[]): unknown => caller.call({ target: host, method, args });
  const call = <T>(method: string, ...args: readonly unknown[]): Result<T> => {
    const answer = ask(method, ...args);
    return answer === gone ? badDescriptor : (answer as Result<T>);
  };
  const make = (method: string, ...args: readonly unknown[]): Result<BlockingSocket> =>
    socketOf(caller, call<OpenedSocket>(method, ...args));
  return {
    ...constants,
    socket: (...args) => make('socket', ...args),
    tcp: (...args) => make('tcp', ...args),
    udp: (...args) => make('udp', ...args),
    getaddrinfo: (...args) => {
      const answer = ask('getaddrinfo', ...args);
      return answer === gone ? noName : (answer as Result<AddressInfo[]>);
    },
    select: (readers, writers = null, others = null, timeout = -1) => {
      const given = [readers, writers, others].map((list) => list ?? []);
      const sent = given.map((list) => list.map((each) => (typeof each === 'number' ? each : each.token)));
      const result = call<Selected>('select', ...sent, timeout);
      if (result[1] !== null) return result;
      const ready = result[0].map((list, which) =>
        list.map((each) => givenAs(each as SocketToken | number, given[which]!)),
      );
      return [ready, null];
    },
    leave: () => caller.leave(),
  };
}

function givenAs(ready: SocketToken | number, given: readonly BlockingSelectable[]): BlockingSelectable {
  if (typeof ready === 'number') return ready;
  return given.find((each) => typeof each !== 'number' && each.token.socketToken === ready.socketToken)!;
}

/** As the other face says of names once its host is closed. */
const noName = [null, 'Non-recoverable failure in name resolution'] as const;
