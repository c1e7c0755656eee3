/** The kernel's sockets of AF_UNIX, which do not wait, with paths in a temporary directory. It takes no privilege. */
import { mkdtempSync, rmSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KoffiFunc } from 'koffi';
import { type KernelLibc, loadKernelLibc } from '../../../tools/script/kernel-libc.ts';
import { O_NONBLOCK, SOCK_CLOEXEC } from '../../../tools/script/kernel-namespace.ts';
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

type NameCall = (fd: number, address: Uint8Array, length: Uint8Array) => number;

interface Libc extends KernelLibc {
  readonly getsockname: NameCall;
  readonly getpeername: NameCall;
  recvfrom(
    fd: number,
    into: Uint8Array,
    size: number,
    flags: number,
    address: Uint8Array,
    addressLength: Uint8Array,
  ): number;
  socketpair(family: number, type: number, protocol: number, fds: Uint8Array): number;
}

/** A directory to ask the kernel in. */
export class KernelUnix {
  readonly enter: EnterUnix;
  readonly #directory: string;

  private constructor(libc: Libc) {
    this.#directory = mkdtempSync(join(tmpdir(), 'tundra-unix-'));
    let worlds = 0;
    this.enter = () => {
      const sockets: KernelUnixSocket[] = [];
      const world = makeWorld(libc, new Names(`${this.#directory}/${worlds++}-`), sockets);
      const leave = async (): Promise<void> => {
        for (const socket of sockets) await socket.close();
      };
      return { world, leave };
    };
  }

  /** @throws Error koffi is not there */
  static async make(): Promise<KernelUnix> {
    const libc = await loadKernelLibc();
    const { default: koffi } = await import('koffi');
    const library = koffi.load(null);
    const nameCall = (name: string): NameCall =>
      library.func(`int ${name}(int fd, void *address, void *length)`) as KoffiFunc<NameCall>;
    return new KernelUnix({
      ...libc,
      getsockname: nameCall('getsockname'),
      getpeername: nameCall('getpeername'),
      recvfrom: library.func(
        'intptr_t recvfrom(int fd, void *into, size_t size, int flags, void *address, void *length)',
      ) as KoffiFunc<Libc['recvfrom']>,
      socketpair: library.func('int socketpair(int family, int type, int protocol, void *fds)') as KoffiFunc<
        Libc['socketpair']
      >,
    });
  }

  close(): void {
    rmSync(this.#directory, { recursive: true });
  }
}

function makeWorld(libc: Libc, names: Names, sockets: KernelUnixSocket[]): UnixWorld {
  const typeOf = (kind: UnixKind): number => kindNumbers[kind] | SOCK_CLOEXEC | O_NONBLOCK;
  const keep = (kind: UnixKind, fd: number): KernelUnixSocket => new KernelUnixSocket(libc, names, kind, fd, sockets);
  return {
    nameOf: (short) => names.full(short),
    open: (kind) => {
      const fd = libc.socket(AF_UNIX, typeOf(kind), 0);
      if (fd < 0) throw new Error(libc.errorName());
      return keep(kind, fd);
    },
    pair: (kind) => {
      const fds = new Uint8Array(8);
      if (libc.socketpair(AF_UNIX, typeOf(kind), 0, fds) < 0) throw new Error(libc.errorName());
      const view = new DataView(fds.buffer);
      return [keep(kind, view.getInt32(0, true)), keep(kind, view.getInt32(4, true))];
    },
    unlink: (name) => {
      try {
        unlinkSync(name);
        return 'ok';
      } catch (error) {
        return (error as NodeJS.ErrnoException).code ?? String(error);
      }
    },
  };
}

class KernelUnixSocket implements UnixSocket {
  readonly kind: UnixKind;
  readonly #libc: Libc;
  readonly #names: Names;
  /** Those to be closed in the end. */
  readonly #all: KernelUnixSocket[];
  #fd: number;

  constructor(libc: Libc, names: Names, kind: UnixKind, fd: number, all: KernelUnixSocket[]) {
    this.#libc = libc;
    this.#names = names;
    this.kind = kind;
    this.#fd = fd;
    this.#all = all;
    all.push(this);
  }

  async bind(name: string): Promise<Answer> {
    const address = addressOf(name);
    return this.#answer(this.#libc.bind(this.#fd, address, address.length));
  }

  listen(backlog: number): Answer {
    return this.#answer(this.#libc.listen(this.#fd, backlog));
  }

  async accept(): Promise<Accepted> {
    const { value, error } = this.#libc.accept.now(this.#fd, null, null, SOCK_CLOEXEC | O_NONBLOCK);
    if (error !== null) return { answer: error, socket: null };
    return { answer: 'ok', socket: new KernelUnixSocket(this.#libc, this.#names, this.kind, value, this.#all) };
  }

  async connect(name: string | null): Promise<Answer> {
    const address = name === null ? new Uint8Array(16) : addressOf(name);
    return this.#libc.connect.now(this.#fd, address, address.length).error ?? 'ok';
  }

  async send(data: Uint8Array, flags: number, to: string | null): Promise<Answer> {
    const address = to === null ? null : addressOf(to);
    const all = [this.#fd, data, data.length, flags | MSG_NOSIGNAL, address, address?.length ?? 0] as const;
    const { value, error } = this.#libc.sendto.now(...all);
    return error ?? String(value);
  }

  async recv(size: number, flags: number): Promise<Answer> {
    const into = new Uint8Array(size);
    const address = new Uint8Array(sizeOfAddress);
    const length = numberOf(sizeOfAddress);
    const count = this.#libc.recvfrom(this.#fd, into, size, flags, address, length);
    if (count < 0) return this.#libc.errorName();
    return received(this.kind, into.subarray(0, count), this.#shortName(address, length));
  }

  shutdown(how: number): Answer {
    return this.#answer(this.#libc.shutdown(this.#fd, how));
  }

  getsockname(): Answer {
    return this.#name(this.#libc.getsockname);
  }

  getpeername(): Answer {
    return this.#name(this.#libc.getpeername);
  }

  #name(call: NameCall): Answer {
    const address = new Uint8Array(sizeOfAddress);
    const length = numberOf(sizeOfAddress);
    const answer = this.#answer(call(this.#fd, address, length));
    return answer === 'ok' ? `'${this.#shortName(address, length)}'` : answer;
  }

  #shortName(address: Uint8Array, lengthTold: Uint8Array): string {
    const name = address.subarray(2, Math.max(2, new DataView(lengthTold.buffer).getUint32(0, true)));
    const end = name[0] === 0 ? name.length : name.indexOf(0);
    return this.#names.short(new TextDecoder().decode(end < 0 ? name : name.subarray(0, end)));
  }

  setoption(level: number, name: number, value: number): Answer {
    return this.#answer(this.#libc.setsockopt(this.#fd, level, name, numberOf(value), 4));
  }

  getoption(level: number, name: number): Answer {
    const bytes = new Uint8Array(4);
    const answer = this.#answer(this.#libc.getsockopt(this.#fd, level, name, bytes, numberOf(4)));
    if (answer !== 'ok') return answer;
    const value = new DataView(bytes.buffer).getInt32(0, true);
    return level === SOL_SOCKET && name === SO_ERROR ? nameOfErrno(value) : String(value);
  }

  poll(): Answer {
    if (this.#fd < 0) return 'closed';
    const record = new Uint8Array(8);
    const view = new DataView(record.buffer);
    view.setInt32(0, this.#fd, true);
    view.setInt16(4, 0x2007, true);
    this.#libc.poll.now(record, 1, 0);
    const told = view.getUint16(6, true);
    return pollLetters.map(([letter, bit]) => ((told & bit) === 0 ? '' : letter)).join('') || '-';
  }

  inq(): Answer {
    const told = new Uint8Array(4);
    const answer = this.#answer(this.#libc.ioctl(this.#fd, SIOCINQ, told));
    return answer === 'ok' ? String(new DataView(told.buffer).getInt32(0, true)) : answer;
  }

  async close(): Promise<void> {
    if (this.#fd >= 0) this.#libc.close(this.#fd);
    this.#fd = -1;
  }

  #answer(value: number): Answer {
    return value < 0 ? this.#libc.errorName() : 'ok';
  }
}

/** struct sockaddr_un: paths end with NUL, abstract names with their last octet. */
function addressOf(name: string): Uint8Array {
  const octets = new TextEncoder().encode(name === '' || name.startsWith('\0') ? name : `${name}\0`);
  const address = new Uint8Array(2 + octets.length);
  address[0] = AF_UNIX;
  address.set(octets, 2);
  return address;
}

/** An int or a socklen_t for the call to change. */
function numberOf(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setInt32(0, value, true);
  return bytes;
}

const sizeOfAddress = 111;

// Linux's numbers.
const AF_UNIX = 1;
const MSG_NOSIGNAL = 0x4000;
const SIOCINQ = 0x541b;
