/** The kernel's sockets, which do not wait, in a network namespace whose default route leads to a TUN that nobody reads. */
import { readFileSync } from 'node:fs';
import type { KoffiFunc } from 'koffi';
import type { KernelLibc } from '../../../tools/script/kernel-libc.ts';
import { KernelNamespace, O_NONBLOCK, SOCK_CLOEXEC, socketAddress } from '../../../tools/script/kernel-namespace.ts';
import {
  type Answer,
  IPPROTO_TCP,
  nameOfErrno,
  SO_ERROR,
  SOL_SOCKET,
  type SocketKind,
  type TestSocket,
  type World,
} from './sockets.ts';

/** getsockname(2) and getpeername(2). */
type NameCall = (fd: number, address: Uint8Array, length: Uint8Array) => number;

interface Libc extends KernelLibc {
  readonly getsockname: NameCall;
  readonly getpeername: NameCall;
}

/** A namespace to ask the kernel in. */
export class KernelWorlds {
  readonly #namespace: KernelNamespace;
  readonly #libc: Libc;

  private constructor(namespace: KernelNamespace, libc: Libc) {
    this.#namespace = namespace;
    this.#libc = libc;
  }

  static async make(): Promise<KernelWorlds> {
    const namespace = await KernelNamespace.make(1500, []);
    const { default: koffi } = await import('koffi');
    const library = koffi.load(null);
    const nameCall = (name: string): NameCall =>
      library.func(`int ${name}(int fd, void *address, void *length)`) as KoffiFunc<NameCall>;
    const [getsockname, getpeername] = [nameCall('getsockname'), nameCall('getpeername')];
    return new KernelWorlds(namespace, { ...namespace.libc, getsockname, getpeername });
  }

  close(): Promise<void> {
    return this.#namespace.close();
  }

  /** A world whose sockets are closed when it is left. */
  enter(): { world: World; leave: () => Promise<void> } {
    const namespace = this.#namespace;
    const libc = this.#libc;
    const sockets: KernelSocket[] = [];
    const world: World = {
      near: '127.0.0.1',
      far: '127.0.0.1',
      silent: '192.0.2.1',
      open: (_where, { family, type, protocol = 0 }: SocketKind) => {
        const kind = (type === 'stream' ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | O_NONBLOCK;
        const domain = family === 4 ? AF_INET : AF_INET6;
        const fd = namespace.inside(() => libc.socket(domain, kind, protocol));
        if (fd < 0) return { answer: libc.errorName(), socket: null };
        const socket = new KernelSocket(libc, family, fd, sockets);
        return { answer: 'ok', socket };
      },
      until: async (isSo) => {
        const end = performance.now() + patience;
        while (!(await isSo())) {
          if (performance.now() > end) throw new Error(`it does not come to that in ${patience} ms`);
          await new Promise((resolve) => setTimeout(resolve, 1));
        }
      },
      icmpMessages: () => namespace.inside(icmpMessages),
    };
    const leave = async (): Promise<void> => {
      for (const socket of sockets) await socket.reset();
    };
    return { world, leave };
  }
}

/** Icmp InMsgs of snmp(7) in the thread's namespace. */
function icmpMessages(): number {
  const lines = readFileSync('/proc/thread-self/net/snmp', 'latin1').split('\n');
  const [names = '', values = ''] = lines.filter((line) => line.startsWith('Icmp:'));
  return Number(values.split(' ')[names.split(' ').indexOf('InMsgs')]);
}

class KernelSocket implements TestSocket {
  readonly #libc: Libc;
  readonly #family: 4 | 6;
  /** Those to be closed in the end. */
  readonly #all: KernelSocket[];
  #fd: number;
  #isClosed = false;

  constructor(libc: Libc, family: 4 | 6, fd: number, all: KernelSocket[]) {
    this.#libc = libc;
    this.#family = family;
    this.#fd = fd;
    this.#all = all;
    all.push(this);
  }

  async bind(host: string, port: number): Promise<Answer> {
    const address = addressOf(host, port);
    return this.#answer(this.#libc.bind(this.#fd, address, address.length));
  }

  async listen(backlog: number): Promise<Answer> {
    return this.#answer(this.#libc.listen(this.#fd, backlog));
  }

  async accept(): Promise<{ answer: Answer; socket: TestSocket | null }> {
    const { value, error } = this.#libc.accept.now(this.#fd, null, null, SOCK_CLOEXEC | O_NONBLOCK);
    if (error !== null) return { answer: error, socket: null };
    return { answer: 'ok', socket: new KernelSocket(this.#libc, this.#family, value, this.#all) };
  }

  async connect(host: string, port: number): Promise<Answer> {
    const address = addressOf(host, port);
    return this.#libc.connect.now(this.#fd, address, address.length).error ?? 'ok';
  }

  async send(octets: number): Promise<Answer> {
    return this.#send(octets, null);
  }

  async sendto(octets: number, host: string, port: number): Promise<Answer> {
    return this.#send(octets, addressOf(host, port));
  }

  #send(octets: number, address: Uint8Array | null): Answer {
    const data = new Uint8Array(octets);
    const { sendto } = this.#libc;
    const { value, error } = sendto.now(this.#fd, data, octets, MSG_NOSIGNAL, address, address?.length ?? 0);
    return error ?? String(value);
  }

  async recv(): Promise<Answer> {
    const { value, error } = this.#libc.recv.now(this.#fd, new Uint8Array(100), 100, 0);
    return error ?? (value === 0 ? 'EOF' : `${value}B`);
  }

  async shutdown(how: 0 | 1 | 2): Promise<Answer> {
    return this.#answer(this.#libc.shutdown(this.#fd, how));
  }

  getsockname(): { answer: Answer; port: number } {
    return this.#name(this.#libc.getsockname);
  }

  getpeername(): { answer: Answer; port: number } {
    return this.#name(this.#libc.getpeername);
  }

  #name(call: NameCall): { answer: Answer; port: number } {
    const address = new Uint8Array(28);
    const answer = this.#answer(call(this.#fd, address, lengthOf(28)));
    return { answer, port: (address[2]! << 8) | address[3]! };
  }

  setoption(level: number, name: number, value: number | string): Answer {
    const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : new Uint8Array(4);
    if (typeof value === 'number') new DataView(bytes.buffer).setInt32(0, value, true);
    return this.#answer(this.#libc.setsockopt(this.#fd, level, name, bytes, bytes.length));
  }

  getoption(level: number, name: number): Answer {
    const bytes = new Uint8Array(4);
    const answer = this.#answer(this.#libc.getsockopt(this.#fd, level, name, bytes, lengthOf(4)));
    if (answer !== 'ok') return answer;
    const value = new DataView(bytes.buffer).getInt32(0, true);
    return level === SOL_SOCKET && name === SO_ERROR ? nameOfErrno(value) : String(value);
  }

  tcpState(): number {
    const bytes = new Uint8Array(1);
    const answer = this.#answer(this.#libc.getsockopt(this.#fd, IPPROTO_TCP, TCP_INFO, bytes, lengthOf(1)));
    if (answer !== 'ok') throw new Error(`TCP_INFO: ${answer}`);
    return bytes[0]!;
  }

  isReadable(): boolean {
    return (this.#poll() & POLLIN) !== 0;
  }

  hasError(): boolean {
    return (this.#poll() & POLLERR) !== 0;
  }

  #poll(): number {
    const record = new Uint8Array(8);
    new DataView(record.buffer).setInt32(0, this.#fd, true);
    record[4] = POLLIN;
    this.#libc.poll.now(record, 1, 0);
    return record[6]!;
  }

  /** The number is a high one by then, so that nothing else in the process is given it meanwhile. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const high = this.#libc.fcntl(this.#fd, F_DUPFD_CLOEXEC, HIGH);
    if (high < 0) throw new Error(`dup: ${this.#libc.errorName()}`);
    for (const fd of [this.#fd, high]) {
      const { value, error } = this.#libc.closing.now(fd);
      if (value < 0) throw new Error(`close: ${error}`);
    }
    this.#fd = high;
  }

  async reset(): Promise<void> {
    if (this.#isClosed) return;
    const linger = Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0);
    this.#libc.setsockopt(this.#fd, SOL_SOCKET, SO_LINGER, linger, linger.length);
    await this.close();
  }

  #answer(value: number): Answer {
    return value < 0 ? this.#libc.errorName() : 'ok';
  }
}

/** struct sockaddr_in or sockaddr_in6; '::ffff:127.0.0.1' is '::ffff:7f00:1'. */
function addressOf(host: string, port: number): Uint8Array {
  const octets = /^::ffff:(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(host)?.slice(1).map(Number);
  if (octets === undefined) return socketAddress(host, port);
  const [a = 0, b = 0, c = 0, d = 0] = octets;
  return socketAddress(`::ffff:${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`, port);
}

/** A socklen_t for the call to change. */
function lengthOf(octets: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, octets, true);
  return bytes;
}

/** How long a state may take to be reached, in milliseconds of real time. */
const patience = 10_000;

// Linux's numbers.
const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SO_LINGER = 13;
const TCP_INFO = 11;
const MSG_NOSIGNAL = 0x4000;
const POLLIN = 1;
const POLLERR = 8;
const F_DUPFD_CLOEXEC = 1030;
/** Descriptors from here on are used by nobody else in this process. */
const HIGH = 900;
