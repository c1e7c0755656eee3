/** Sockets of AF_UNIX of ours, which do not wait, on a host of their own. */

import { UnixEnd } from '../../../src/api/ends/unix.ts';
import { SocketHost, type SocketModule, socketModuleOf, texts } from '../../../src/api/index.ts';
import { Socket } from '../../../src/api/socket.ts';
import { Network } from '../../../src/sim/index.ts';
import { StackError, type UnixEndpoint } from '../../../src/stack/index.ts';
import { nameOfErrno, SO_ERROR, SOL_SOCKET } from './sockets.ts';
import {
  type Accepted,
  type Answer,
  type EnterUnix,
  kindNumbers,
  Names,
  pollLetters,
  received,
  type UnixKind,
  type UnixSocket,
  type UnixWorld,
} from './unix-sockets.ts';

export function enterOurs(): ReturnType<EnterUnix> {
  const runner = new Network().host('one');
  const host = new SocketHost(runner);
  const module = socketModuleOf(host);
  const names = new Names('/tmp/tundra/');
  const wrap = (socket: Socket, kind: UnixKind): UnixSocket => new OurUnixSocket(module, names, socket, kind);
  const adopt = (endpoint: UnixEndpoint): UnixSocket =>
    wrap(new Socket(host, 'unix', (context) => new UnixEnd(context, endpoint)), endpoint.type);
  const world: UnixWorld = {
    nameOf: (short) => names.full(short),
    open: (kind) => {
      const [socket, error] = module.socket(module.AF_UNIX, kindNumbers[kind]);
      if (error !== null) throw new Error(error);
      return wrap(socket, kind);
    },
    pair: (kind) => {
      const [one, other] = runner.stack.unix.pair(kind);
      return [adopt(one), adopt(other)];
    },
    unlink: (name) => {
      try {
        runner.stack.unix.unlink(name);
        return 'ok';
      } catch (error) {
        if (!(error instanceof StackError)) throw error;
        return error.code;
      }
    },
  };
  return { world, leave: async () => host.closeAll() };
}

type Told = readonly [value: unknown, error: string | null, ...rest: unknown[]];

class OurUnixSocket implements UnixSocket {
  readonly kind: UnixKind;
  readonly #module: SocketModule;
  readonly #names: Names;
  readonly #socket: Socket;

  constructor(module: SocketModule, names: Names, socket: Socket, kind: UnixKind) {
    this.#module = module;
    this.#names = names;
    this.#socket = socket;
    this.kind = kind;
    socket.settimeout(0);
  }

  async bind(name: string): Promise<Answer> {
    return this.#answer(await this.#socket.bind(name));
  }

  listen(backlog: number): Answer {
    return this.#answer(this.#socket.listen(backlog));
  }

  async accept(): Promise<Accepted> {
    const told = await this.#socket.accept();
    const socket = told[0] === null ? null : new OurUnixSocket(this.#module, this.#names, told[0], this.kind);
    return { answer: this.#answer(told), socket };
  }

  async connect(name: string | null): Promise<Answer> {
    return this.#answer(await this.#socket.connect(name));
  }

  async send(data: Uint8Array, flags: number, to: string | null): Promise<Answer> {
    return this.#answer(
      to === null ? await this.#socket.send(data, flags) : await this.#socket.sendto(data, to, 0, 0, 0, flags),
    );
  }

  /** The end of the stream is an error of ours, with the text of EPIPE. */
  async recv(size: number, flags: number): Promise<Answer> {
    const told = await this.#socket.recvfrom(size, flags);
    if (told[1] === null) return received(this.kind, told[0].data, this.#names.short(told[0].address[0]));
    const answer = this.#answer(told);
    return answer === 'EPIPE' ? received(this.kind, new Uint8Array(), '') : answer;
  }

  shutdown(how: number): Answer {
    return this.#answer(this.#socket.shutdown(how));
  }

  getsockname(): Answer {
    return this.#name(this.#socket.getsockname());
  }

  getpeername(): Answer {
    return this.#name(this.#socket.getpeername());
  }

  #name(told: Told): Answer {
    return told[1] === null ? `'${this.#names.short(String(told[0]))}'` : this.#answer(told);
  }

  setoption(level: number, name: number, value: number): Answer {
    return this.#answer(this.#socket.setoption(level, name, value));
  }

  getoption(level: number, name: number): Answer {
    const told = this.#socket.getoption(level, name);
    if (told[1] !== null) return this.#answer(told);
    return level === SOL_SOCKET && name === SO_ERROR ? nameOfErrno(Number(told[0])) : String(Number(told[0]));
  }

  poll(): Answer {
    if (this.#socket.fileno() < 0) return 'closed';
    const { readable, writable, urgent, error, hungUp, readHungUp } = this.#socket.poll();
    const told = { r: readable, w: writable, p: urgent, e: error, h: hungUp, d: readHungUp };
    return pollLetters.map(([letter]) => (told[letter] ? letter : '')).join('') || '-';
  }

  inq(): Answer {
    return this.#answer(this.#socket.inq());
  }

  close(): Promise<void> {
    return this.#socket.close();
  }

  /** What the call returned, or the code of its error, whose text has to be the one of that code (1.15). */
  #answer([value, error]: Told): Answer {
    if (error === null) return typeof value === 'number' ? String(value) : 'ok';
    const code = this.#socket.lastError?.code;
    return code !== undefined && texts[code as keyof typeof texts] === error ? code : `${error} (code ${code})`;
  }
}
