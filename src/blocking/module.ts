import { type AddressInfo, constants, type Result, type Selected, type SocketModule } from '../api/index.ts';
import { type Caller, gone } from './caller.ts';
import type { OpenedSocket, SocketToken } from './serve.ts';
import { type BlockingSocket, badDescriptor, socketOf } from './socket.ts';

/** The documented module without `await`. */

/** A socket, or its descriptor number. */
export type BlockingSelectable = BlockingSocket | number;

/** The functions of the module. When the host is closed they return EBADF, and EAI_FAIL of names. */
export interface BlockingFunctions {
  /**
   * A socket of a family and type: AF_INET or AF_INET6 with SOCK_STREAM, SOCK_DGRAM or SOCK_RAW; AF_UNIX with SOCK_STREAM,
   * SOCK_DGRAM (SOCK_RAW is the same) or SOCK_SEQPACKET. SOCK_NONBLOCK may be added.
   * @returns EAFNOSUPPORT, ESOCKTNOSUPPORT, EPROTONOSUPPORT, EINVAL what there is not; EPERM raw sockets are not allowed; EMFILE
   *   too many are open
   */
  socket(family: number, type: number, protocol?: number): Result<BlockingSocket>;
  /** `socket(AF_INET, SOCK_STREAM)`, or of another family. @returns EMFILE too many are open */
  tcp(family?: number): Result<BlockingSocket>;
  /** `socket(AF_INET, SOCK_DGRAM)`, or of another family. @returns EMFILE too many are open */
  udp(family?: number): Result<BlockingSocket>;
  /**
   * Sleeps until a host and a service have been looked up, as getaddrinfo(3) of glibc does it: host, port, family, socktype,
   * protocol, flags.
   * @returns the addresses in the order in which to try them; EAI_NONAME, EAI_AGAIN and the other texts of gai_strerror(3)
   */
  getaddrinfo(...args: Parameters<SocketModule['getaddrinfo']>): Result<AddressInfo[]>;
  /**
   * Sleeps until one of several sockets can be read or accepted, written, or has an urgent octet (select(2)).
   * @param timeout seconds; 0 only looks, negative (the default) waits without limit
   * @returns three lists of the sockets and numbers that are ready, as they were given; all empty when the time was over;
   *   EBADF one that is closed
   * @throws TypeError a timeout that is no number
   */
  select(
    readers: readonly BlockingSelectable[] | null,
    writers?: readonly BlockingSelectable[] | null,
    others?: readonly BlockingSelectable[] | null,
    timeout?: number,
  ): Result<readonly BlockingSelectable[][]>;
  /**
   * This thread has no more use for the host: to it the host is closed. Its sockets stay open: close them before. Twice is once.
   */
  leave(): void;
}

/** The documented module of a host, for one thread: functions and constants. */
export type BlockingModule = typeof constants & BlockingFunctions;

/** The module of a host, for this thread. @param host its name where a network has several */
export function moduleFor(caller: Caller, host: string): BlockingModule {
  const ask = (method: string, ...args: readonly unknown[]): unknown => caller.call(host, method, args);
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
