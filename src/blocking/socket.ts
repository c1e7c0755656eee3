/// <reference lib="esnext.disposable" preserve="true" />
import {
  type ErrorText,
  type OptionValue,
  type ReceivedMessage,
  type Result,
  type Socket,
  type SocketError,
  type SocketName,
  texts,
} from '../api/index.ts';
import { type Caller, gone } from './caller.ts';
import { unwatch, watch } from './lost.ts';
import type { OpenedSocket, Remains, SocketToken } from './serve.ts';

/**
 * The documented socket without `await`: each call puts the thread to sleep until it is done, while the host's own thread
 * goes on acknowledging, sending again and answering pings. Names, arguments, results and errors are the other face's. The
 * other thread forgets a socket that is closed: what such a one says is said here.
 */

type Written = Result<number> | readonly [null, ErrorText, number];
type Read = readonly [data: Uint8Array, err: ErrorText | null];

const none = new Uint8Array(0);

/** What calls return that have a closed socket, or a host that is gone. */
export const badDescriptor = [null, texts.EBADF] as const;

/** A socket of a host that another thread turns. Not to be shared between threads. */
export class BlockingSocket {
  readonly type: Socket['type'];
  readonly family: Socket['family'];
  readonly #caller: Caller;
  readonly #token: number;
  #isOpen = true;
  /** Of a socket that is closed; before that the other thread knows. */
  #lastError: SocketError | null = null;
  #timeout = -1;

  constructor(caller: Caller, { socketToken, type, family }: OpenedSocket) {
    this.#caller = caller;
    this.#token = socketToken;
    this.type = type;
    this.family = family;
    watch(this, caller, socketToken);
  }

  get lastError(): SocketError | null {
    const answer = this.#ask('lastError');
    return answer === gone ? this.#lastError : (answer as SocketError | null);
  }

  connect(...args: Parameters<Socket['connect']>): Result<true> {
    const [host, port = 0] = args;
    return this.#call('connect', args, { syscall: 'connect', ...(host === null ? {} : { address: host }), port });
  }

  bind(...args: Parameters<Socket['bind']>): Result<true> {
    const [address, port = 0] = args;
    return this.#call('bind', args, { syscall: 'bind', address, port });
  }

  listen(backlog: number): Result<true> {
    return this.#call('listen', [backlog]);
  }

  accept(): Result<BlockingSocket> {
    return socketOf(this.#caller, this.#call<Result<OpenedSocket>>('accept', []));
  }

  write(data: string | Uint8Array): Written {
    return this.send(data, 0);
  }

  send(data: string | Uint8Array, flags: number): Written {
    return this.#call<Written>('send', [data, flags], { syscall: 'write' });
  }

  sendto(...args: Parameters<Socket['sendto']>): Written {
    const [, address, port = 0] = args;
    return this.#call<Written>('sendto', args, { syscall: 'sendto', address, port });
  }

  read(maxsize: number): Read {
    return this.recv(maxsize, 0);
  }

  recv(maxsize: number, flags: number): Read {
    const [data, error] = this.#call<Read | readonly [null, ErrorText]>('recv', [maxsize, flags], {
      syscall: 'read',
    });
    return [data ?? none, error];
  }

  recvfrom(maxsize: number, flags = 0): Result<ReceivedMessage> {
    return this.#call('recvfrom', [maxsize, flags]);
  }

  inq(): Result<number> {
    return this.#call('inq', [], ioctl);
  }

  outq(): Result<number> {
    return this.#call('outq', [], ioctl);
  }

  setoption(level: number, optname: number, value: OptionValue): Result<true> {
    return this.#call('setoption', [level, optname, value]);
  }

  getoption(level: number, optname: number): Result<OptionValue> {
    return this.#call('getoption', [level, optname]);
  }

  /** Sleeps as long as SO_LINGER says, if it does. */
  close(): void {
    const remains = this.#ask('close');
    this.#isOpen = false;
    unwatch(this);
    if (remains !== gone) ({ timeout: this.#timeout, lastError: this.#lastError } = remains as Remains);
  }

  shutdown(how: number): Result<true> {
    return this.#call('shutdown', [how]);
  }

  fileno(): number {
    const answer = this.#ask('fileno');
    return answer === gone ? -1 : (answer as number);
  }

  settimeout(timeout: number): void {
    if (this.#ask('settimeout', timeout) === gone) this.#timeout = timeout < 0 ? -1 : timeout;
  }

  gettimeout(): number {
    const answer = this.#ask('gettimeout');
    return answer === gone ? this.#timeout : (answer as number);
  }

  setblocking(block: boolean | number): void {
    if (this.#ask('setblocking', block) === gone) this.#timeout = block ? -1 : 0;
  }

  getpeername(): Result<SocketName> {
    return this.#call('getpeername', []);
  }

  getsockname(): Result<SocketName> {
    return this.#call('getsockname', []);
  }

  toString(): string {
    return `<socket: ${this.fileno()}>`;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  /** How it travels as an argument. */
  get token(): SocketToken {
    return { socketToken: this.#token };
  }

  /** What the call returns in the host's thread, or EBADF here. @param about for `lastError` */
  #call<T extends readonly unknown[]>(
    method: string,
    args: readonly unknown[],
    about?: About,
  ): T | typeof badDescriptor {
    const answer = this.#ask(method, ...args);
    if (answer !== gone) return answer as T;
    this.#lastError = { code: 'EBADF', errno: 9, ...(about ?? { syscall: method }) };
    return badDescriptor;
  }

  #ask(method: string, ...args: readonly unknown[]): unknown {
    return this.#isOpen ? this.#caller.call({ target: this.#token, method, args }) : gone;
  }
}

/** What an error is about. */
type About = Omit<SocketError, 'code' | 'errno'>;

const ioctl: About = { syscall: 'ioctl' };

/** The socket for what another thread has opened. */
export const socketOf = (caller: Caller, [opened, error]: Result<OpenedSocket>): Result<BlockingSocket> =>
  error === null ? [new BlockingSocket(caller, opened), null] : [null, error];
