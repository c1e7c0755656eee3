import { constants, type OptionValue, type Result, type Socket, type SocketModule, texts } from '../api/index.ts';
import { type Micros, ms, type TcpInfo } from '../stack/index.ts';
import { numberOf } from './names.ts';
import type { OptionValueSpec } from './syntax.ts';
import type { Answer, Call } from './target.ts';

/** The calls of scripts, done with the documented socket API of our stack, and its answers in the terms of Linux. */
export class OurCalls {
  readonly #module: SocketModule;
  readonly #sleep: (duration: Micros) => Promise<void>;
  readonly #sockets: Map<number, Socket> = new Map();

  /** @param sleep of the time that the stack lives in */
  constructor(module: SocketModule, sleep: (duration: Micros) => Promise<void>) {
    this.#module = module;
    this.#sleep = sleep;
  }

  /** Does a call. */
  async call(call: Call): Promise<Answer> {
    if (call.name === 'socket') return this.#socket(call);
    if (call.name === 'poll') return this.#poll(call);
    const socket = this.#sockets.get(call.fd);
    if (socket === undefined) return failed('EBADF');
    switch (call.name) {
      case 'bind':
        return done(socket, await socket.bind(call.host, call.port));
      case 'connect':
        return done(socket, await socket.connect(call.host, call.port));
      case 'listen':
        return done(socket, socket.listen(call.backlog));
      case 'accept':
        return this.#accept(socket, call.flags);
      case 'send':
        return send(socket, call);
      case 'recv':
        return receive(socket, call.length, call.flags);
      case 'shutdown':
        return done(socket, socket.shutdown(call.how));
      case 'close':
        this.#sockets.delete(call.fd);
        await socket.close();
        return succeeded(0);
      case 'setsockopt':
        return done(socket, socket.setoption(call.level, call.option, toOption(call.value)));
      case 'getsockopt': {
        const [value, error] = socket.getoption(call.level, call.option);
        return error === null ? { ...succeeded(0), option: fromOption(value, call.like) } : failedAs(socket);
      }
      case 'fcntl':
        return control(socket, call.command, call.argument);
      case 'ioctl':
        return ask(socket, call.request);
      case 'info': {
        const [info, error] = socket.getoption(constants.IPPROTO_TCP, constants.TCP_INFO);
        return error === null ? { ...succeeded(0), info: new Map(Object.entries(info as TcpInfo)) } : failedAs(socket);
      }
    }
  }

  #socket({ family, type, protocol }: Extract<Call, { name: 'socket' }>): Answer {
    const flags = nonBlocking | closeOnExec;
    const [socket, error] = this.#module.socket(family, type & ~flags, protocol);
    if (error !== null) return failed(codeOf(error));
    if ((type & nonBlocking) !== 0) socket.setblocking(false);
    // The documented module lets streams have their addresses again at once; Linux, and so scripts, only when asked to.
    if (socket.type === 'stream') socket.setoption(constants.SOL_SOCKET, constants.SO_REUSEADDR, false);
    return this.#keep(socket);
  }

  async #accept(listener: Socket, flags: number): Promise<Answer> {
    const [socket, error] = await listener.accept();
    if (error !== null) return failedAs(listener);
    if ((flags & nonBlocking) !== 0) socket.setblocking(false);
    return this.#keep(socket);
  }

  #keep(socket: Socket): Answer {
    const fd = socket.fileno();
    this.#sockets.set(fd, socket);
    return succeeded(fd);
  }

  /** Looks again every millisecond of virtual time. */
  async #poll({ polled, timeoutMs }: Extract<Call, { name: 'poll' }>): Promise<Answer> {
    for (let waited = 0; ; waited++) {
      const revents = polled.map(({ fd, events }) => eventsOf(this.#sockets.get(fd), events));
      const ready = revents.filter((each) => each !== 0).length;
      if (ready > 0 || (timeoutMs >= 0 && waited >= timeoutMs)) return { ...succeeded(ready), revents };
      await this.#sleep(ms(1));
    }
  }
}

const succeeded = (value: number): Answer => ({ value, error: null });
const failed = (error: string): Answer => ({ value: -1, error });
const failedAs = ({ lastError }: Socket): Answer => failed(lastError?.code ?? 'EIO');
const unsupported = (what: string): Answer => ({ ...failed('ENOSYS'), unsupported: `our sockets have no ${what}` });

const done = (socket: Socket, [, error]: readonly [unknown, unknown, ...unknown[]]): Answer =>
  error === null ? succeeded(0) : failedAs(socket);

async function send(socket: Socket, { data, flags, to }: Extract<Call, { name: 'send' }>): Promise<Answer> {
  if (to !== null && socket.type === 'stream') return unsupported('sendto for streams');
  const [sent, error, before = 0] =
    to === null ? await socket.send(data, flags) : await socket.sendto(data, to.host, to.port);
  if (error === null) return succeeded(sent);
  return before > 0 ? succeeded(before) : failedAs(socket);
}

async function receive(socket: Socket, length: number, flags: number): Promise<Answer> {
  const [data, error] = await socket.recv(length, flags);
  if (error === null) return { ...succeeded(data.length), data };
  return socket.lastError?.code === 'EPIPE' ? { ...succeeded(0), data } : failedAs(socket); // the end of the stream
}

function control(socket: Socket, command: number, argument: number): Answer {
  if (command === numberOf('F_GETFL')) return succeeded(2 | (socket.gettimeout() === 0 ? nonBlocking : 0));
  if (command !== numberOf('F_SETFL')) return failed('EINVAL');
  socket.setblocking((argument & nonBlocking) === 0);
  return succeeded(0);
}

function ask(socket: Socket, request: number): Answer {
  const result = questions.get(request)?.(socket);
  if (result === undefined) return unsupported(`ioctl 0x${request.toString(16)}`);
  const [value, error] = result;
  return error === null ? { ...succeeded(0), option: Number(value) } : failedAs(socket);
}

const questions: ReadonlyMap<number, (socket: Socket) => Result<number | boolean>> = new Map<
  number,
  (socket: Socket) => Result<number | boolean>
>([
  [numberOf('SIOCINQ')!, (socket) => socket.inq()],
  [numberOf('SIOCOUTQ')!, (socket) => socket.outq()],
  [numberOf('SIOCOUTQNSD')!, (socket) => socket.outqnsd()],
  [numberOf('SIOCATMARK')!, (socket) => socket.atmark()],
]);

function eventsOf(socket: Socket | undefined, wanted: number): number {
  if (socket === undefined) return numberOf('POLLNVAL')!;
  const { readable, writable, urgent, error, hungUp, readHungUp } = socket.poll();
  const is = (holds: boolean, ...names: string[]): number =>
    holds ? names.reduce((events, name) => events | numberOf(name)!, 0) : 0;
  const events =
    is(readable, 'POLLIN', 'POLLRDNORM') |
    is(writable, 'POLLOUT', 'POLLWRNORM') |
    is(urgent, 'POLLPRI') |
    is(readHungUp, 'POLLRDHUP');
  return (events & wanted) | is(error, 'POLLERR') | is(hungUp, 'POLLHUP');
}

function toOption(value: OptionValueSpec): OptionValue {
  if (typeof value === 'object' && 'sec' in value) return value.sec + value.usec / 1e6;
  return value;
}

function fromOption(value: OptionValue, like: OptionValueSpec): OptionValueSpec {
  if (typeof value === 'string') return value;
  if (typeof value === 'object' && 'onoff' in value) return { onoff: Number(value.onoff), linger: value.linger };
  const number = Number(value);
  if (typeof like === 'object' && 'sec' in like) {
    return { sec: Math.trunc(number), usec: Math.round((number % 1) * 1e6) };
  }
  return number;
}

/** The name of an error that only its text tells. */
function codeOf(text: string): string {
  return Object.entries(texts).find(([, each]) => each === text)?.[0] ?? 'EIO';
}

const nonBlocking = numberOf('O_NONBLOCK')!;
const closeOnExec = numberOf('SOCK_CLOEXEC')!;
