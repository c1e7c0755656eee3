/// <reference lib="esnext.disposable" preserve="true" />
import type {
  AddressInfo,
  ErrorText,
  OptionValue,
  ReceivedMessage,
  Result,
  Selected,
  Socket,
  SocketModule,
  SocketName,
} from '../api/index.ts';
import type { SocketToken } from './serve.ts';
import { type Caller, slotOctets } from './slots.ts';

/**
 * The documented module without `await`: each call puts the thread to sleep until it is done, while the host's own thread
 * goes on acknowledging, sending again and answering pings. Names, arguments, results and errors are the other face's.
 */

type Written = Result<number> | readonly [null, ErrorText, number];
type Read = readonly [data: Uint8Array, err: ErrorText | null];
type Constants = {
  readonly [K in keyof SocketModule as SocketModule[K] extends number | string ? K : never]: SocketModule[K];
};

/** Octets that travel in one call, beside what describes it. */
const most = slotOctets - 4096;

/** A socket of a host that another thread turns. Not to be shared between threads. */
export class BlockingSocket {
  readonly #caller: Caller;
  readonly #token: number;

  constructor(caller: Caller, token: number) {
    this.#caller = caller;
    this.#token = token;
  }

  #call<T>(method: string, ...args: readonly unknown[]): T {
    return this.#caller.call({ target: this.#token, method, args }) as T;
  }

  get lastError(): Socket['lastError'] {
    return this.#call('lastError');
  }

  get type(): Socket['type'] {
    return this.#call('type');
  }

  get family(): Socket['family'] {
    return this.#call('family');
  }

  connect(...args: Parameters<Socket['connect']>): Result<true> {
    return this.#call('connect', ...args);
  }

  bind(...args: Parameters<Socket['bind']>): Result<true> {
    return this.#call('bind', ...args);
  }

  listen(backlog: number): Result<true> {
    return this.#call('listen', backlog);
  }

  accept(): Result<BlockingSocket> {
    return socketOf(this.#caller, this.#call('accept'));
  }

  write(data: string | Uint8Array): Written {
    return this.send(data, 0);
  }

  /** What is larger than a call can hold goes in several; the count is of all of it. */
  send(data: string | Uint8Array, flags: number): Written {
    if (typeof data !== 'string' && !(data instanceof Uint8Array))
      throw new TypeError('data: a string or a Uint8Array');
    const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data;
    let sent = 0;
    do {
      const part = bytes.subarray(sent, sent + most);
      const result = this.#call<Written>('send', part, flags);
      if (result[1] !== null) {
        const before = sent + (result[2] ?? 0);
        return before > 0 ? [null, result[1], before] : [null, result[1]];
      }
      sent += result[0];
      if (result[0] < part.length) break; // it does not wait, and no more fits
    } while (sent < bytes.length);
    return [sent, null];
  }

  sendto(...args: Parameters<Socket['sendto']>): Written {
    return this.#call('sendto', ...args);
  }

  read(maxsize: number): Read {
    return this.recv(maxsize, 0);
  }

  recv(maxsize: number, flags: number): Read {
    return this.#call('recv', Math.min(maxsize, most), flags);
  }

  recvfrom(maxsize: number, flags = 0): Result<ReceivedMessage> {
    return this.#call('recvfrom', maxsize, flags);
  }

  inq(): Result<number> {
    return this.#call('inq');
  }

  outq(): Result<number> {
    return this.#call('outq');
  }

  setoption(level: number, optname: number, value: OptionValue): Result<true> {
    return this.#call('setoption', level, optname, value);
  }

  getoption(level: number, optname: number): Result<OptionValue> {
    return this.#call('getoption', level, optname);
  }

  /** Sleeps as long as SO_LINGER says, if it does. */
  close(): void {
    this.#call('close');
  }

  shutdown(how: number): Result<true> {
    return this.#call('shutdown', how);
  }

  fileno(): number {
    return this.#call('fileno');
  }

  settimeout(timeout: number): void {
    this.#call('settimeout', timeout);
  }

  gettimeout(): number {
    return this.#call('gettimeout');
  }

  setblocking(block: boolean | number): void {
    this.#call('setblocking', block);
  }

  getpeername(): Result<SocketName> {
    return this.#call('getpeername');
  }

  getsockname(): Result<SocketName> {
    return this.#call('getsockname');
  }

  toString(): string {
    return this.#call('toString');
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** How it travels as an argument. */
  get token(): SocketToken {
    return { socketToken: this.#token };
  }
}

export interface BlockingFunctions {
  socket(family: number, type: number, protocol?: number): Result<BlockingSocket>;
  tcp(family?: number): Result<BlockingSocket>;
  udp(family?: number): Result<BlockingSocket>;
  getaddrinfo(...args: Parameters<SocketModule['getaddrinfo']>): Result<AddressInfo[]>;
  /** Gives the sockets and numbers back that were given. */
  select(
    readers: readonly (BlockingSocket | number)[] | null,
    writers?: readonly (BlockingSocket | number)[] | null,
    others?: readonly (BlockingSocket | number)[] | null,
    timeout?: number,
  ): Result<readonly (BlockingSocket | number)[][]>;
  /** This thread has no more use for the host. Its sockets stay open: close them before. */
  leave(): void;
}

export type BlockingModule = Constants & BlockingFunctions;

/** The module of a host, for this thread. @param host its name where a network has several */
export function moduleFor(caller: Caller, host: string): BlockingModule {
  const call = (method: string, ...args: readonly unknown[]): unknown => caller.call({ target: host, method, args });
  return {
    ...(call('constants') as Constants),
    socket: (...args) => socketOf(caller, call('socket', ...args) as Result<SocketToken>),
    tcp: (...args) => socketOf(caller, call('tcp', ...args) as Result<SocketToken>),
    udp: (...args) => socketOf(caller, call('udp', ...args) as Result<SocketToken>),
    getaddrinfo: (...args) => call('getaddrinfo', ...args) as Result<AddressInfo[]>,
    select: (readers, writers = null, others = null, timeout = -1) => {
      const given = [readers, writers, others].map((list) => list ?? []);
      const sent = given.map((list) => list.map((each) => (typeof each === 'number' ? each : each.token)));
      const result = call('select', ...sent, timeout) as Result<Selected>;
      if (result[1] !== null) return result;
      const ready = result[0].map((list, which) =>
        list.map((each) => givenAs(each as SocketToken | number, given[which]!)),
      );
      return [ready, null];
    },
    leave: () => caller.leave(),
  };
}

function givenAs(ready: SocketToken | number, given: readonly (BlockingSocket | number)[]): BlockingSocket | number {
  if (typeof ready === 'number') return ready;
  return given.find((each) => typeof each !== 'number' && each.token.socketToken === ready.socketToken)!;
}

function socketOf(caller: Caller, [token, error]: Result<SocketToken>): Result<BlockingSocket> {
  return error === null ? [new BlockingSocket(caller, token.socketToken), null] : [null, error];
}
