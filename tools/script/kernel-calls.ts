/** The calls of scripts as system calls of the kernel. Those that may wait go to another thread. */
import type { Answer, Call, OptionValueSpec } from '../../src/script/index.ts';
import type { MaybeBlocking, Returned } from './kernel-libc.ts';
import { type KernelNamespace, O_NONBLOCK, SOCK_CLOEXEC, socketAddress } from './kernel-namespace.ts';
import { readTcpInfo, tcpInfoSize } from './tcp-info.ts';

export class KernelCalls {
  readonly #namespace: KernelNamespace;
  /** Open descriptors; true: they wait. */
  readonly #open: Map<number, boolean> = new Map();
  readonly #waiting: Set<Promise<unknown>> = new Set();

  constructor(namespace: KernelNamespace) {
    this.#namespace = namespace;
  }

  get #libc() {
    return this.#namespace.libc;
  }

  async call(call: Call): Promise<Answer> {
    const libc = this.#libc;
    switch (call.name) {
      case 'socket': {
        const { family, type, protocol } = call;
        const fd = this.#namespace.inside(() => libc.socket(family, type | SOCK_CLOEXEC, protocol));
        return this.#keep(this.#returned(fd), (type & O_NONBLOCK) === 0);
      }
      case 'bind': {
        const address = socketAddress(call.host, call.port);
        return this.#returned(libc.bind(call.fd, address, address.length));
      }
      case 'connect': {
        const address = socketAddress(call.host, call.port);
        return this.#maybeLater(call.fd, libc.connect, call.fd, address, address.length);
      }
      case 'listen':
        return this.#returned(libc.listen(call.fd, call.backlog));
      case 'accept': {
        const flags = call.flags | SOCK_CLOEXEC;
        const answer = await this.#maybeLater(call.fd, libc.accept, call.fd, null, null, flags);
        return this.#keep(answer, (call.flags & O_NONBLOCK) === 0);
      }
      case 'send': {
        const to = call.to === null ? null : socketAddress(call.to.host, call.to.port);
        const { fd, data, flags } = call;
        return this.#maybeLater(fd, libc.sendto, fd, data, data.length, flags, to, to?.length ?? 0);
      }
      case 'recv': {
        const into = new Uint8Array(new ArrayBuffer(Math.max(1, call.length)));
        const answer = await this.#maybeLater(call.fd, libc.recv, call.fd, into, call.length, call.flags);
        return { ...answer, data: into.subarray(0, Math.max(0, Math.min(answer.value, call.length))) };
      }
      case 'shutdown':
        return this.#returned(libc.shutdown(call.fd, call.how));
      case 'close': {
        const waits = this.#open.get(call.fd) ?? false;
        this.#open.delete(call.fd);
        return waits && this.#lingers(call.fd) ? this.#later(libc.closing.later(call.fd)) : libc.closing.now(call.fd);
      }
      case 'setsockopt': {
        const value = encodeOption(call.value);
        return this.#returned(libc.setsockopt(call.fd, call.level, call.option, value, value.length));
      }
      case 'getsockopt': {
        const value = this.#option(call.fd, call.level, call.option, 256);
        if (value === null) return this.#returned(-1);
        return { value: 0, error: null, option: decodeOption(value, call.like) };
      }
      case 'fcntl': {
        const answer = this.#returned(libc.fcntl(call.fd, call.command, call.argument));
        if (call.command === F_SETFL && answer.error === null)
          this.#open.set(call.fd, (call.argument & O_NONBLOCK) === 0);
        return answer;
      }
      case 'ioctl': {
        const argument = new Uint8Array(new ArrayBuffer(8));
        const answer = this.#returned(libc.ioctl(call.fd, call.request, argument));
        return { ...answer, option: new DataView(argument.buffer).getInt32(0, true) };
      }
      case 'poll':
        return this.#poll(call);
      case 'info': {
        const bytes = this.#option(call.fd, IPPROTO_TCP, TCP_INFO, tcpInfoSize);
        return bytes === null ? this.#returned(-1) : { value: 0, error: null, info: readTcpInfo(bytes) };
      }
    }
  }

  /** Resets what is open, and waits until no call is under way. */
  async close(): Promise<void> {
    for (const fd of this.#open.keys()) {
      this.#libc.setsockopt(fd, SOL_SOCKET, SO_LINGER, encodeOption({ onoff: 1, linger: 0 }), 8);
      this.#libc.shutdown(fd, SHUT_RDWR); // whoever waits on it is told
    }
    await Promise.allSettled(this.#waiting);
    for (const fd of this.#open.keys()) this.#libc.close(fd);
    this.#open.clear();
  }

  async #poll({ polled, timeoutMs }: Extract<Call, { name: 'poll' }>): Promise<Answer> {
    const records = new Uint8Array(new ArrayBuffer(Math.max(1, polled.length) * 8));
    const view = new DataView(records.buffer);
    polled.forEach(({ fd, events }, index) => {
      view.setInt32(index * 8, fd, true);
      view.setInt16(index * 8 + 4, events, true);
    });
    const { poll } = this.#libc;
    const answer =
      timeoutMs === 0
        ? poll.now(records, polled.length, 0)
        : await this.#later(poll.later(records, polled.length, timeoutMs));
    return { ...answer, revents: polled.map((_, index) => view.getUint16(index * 8 + 6, true)) };
  }

  #returned(value: number): Answer {
    return { value, error: value < 0 ? this.#libc.errorName() : null };
  }

  #keep(answer: Answer, waits: boolean): Answer {
    if (answer.value >= 0) this.#open.set(answer.value, waits);
    return answer;
  }

  /** On a descriptor that waits, somewhere else. */
  #maybeLater<P extends readonly unknown[]>(fd: number, call: MaybeBlocking<P>, ...parameters: P): Promise<Answer> {
    return this.#open.get(fd) === true
      ? this.#later(call.later(...parameters))
      : Promise.resolve(call.now(...parameters));
  }

  async #later(under: Promise<Returned>): Promise<Answer> {
    this.#waiting.add(under);
    try {
      return await under;
    } finally {
      this.#waiting.delete(under);
    }
  }

  #option(fd: number, level: number, option: number, size: number): Uint8Array | null {
    const value = new Uint8Array(new ArrayBuffer(size));
    const length = new Uint8Array(new ArrayBuffer(4));
    new DataView(length.buffer).setUint32(0, size, true);
    if (this.#libc.getsockopt(fd, level, option, value, length) < 0) return null;
    return value.subarray(0, new DataView(length.buffer).getUint32(0, true));
  }

  #lingers(fd: number): boolean {
    const value = this.#option(fd, SOL_SOCKET, SO_LINGER, 8);
    if (value === null) return false;
    const view = new DataView(value.buffer, value.byteOffset);
    return view.getInt32(0, true) !== 0 && view.getInt32(4, true) !== 0;
  }
}

function encodeOption(value: OptionValueSpec): Uint8Array {
  if (typeof value === 'string') return new TextEncoder().encode(value);
  const isTime = typeof value === 'object' && 'sec' in value;
  const bytes = new Uint8Array(new ArrayBuffer(isTime ? 16 : typeof value === 'object' ? 8 : 4));
  const view = new DataView(bytes.buffer);
  if (typeof value === 'number') view.setUint32(0, value >>> 0, true);
  else if ('onoff' in value) {
    view.setInt32(0, value.onoff, true);
    view.setInt32(4, value.linger, true);
  } else {
    view.setBigInt64(0, BigInt(value.sec), true);
    view.setBigInt64(8, BigInt(value.usec), true);
  }
  return bytes;
}

function decodeOption(bytes: Uint8Array, like: OptionValueSpec): OptionValueSpec {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (typeof like === 'string') {
    const end = bytes.indexOf(0);
    return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
  }
  if (typeof like === 'object' && 'onoff' in like)
    return { onoff: view.getInt32(0, true), linger: view.getInt32(4, true) };
  if (typeof like === 'object')
    return { sec: Number(view.getBigInt64(0, true)), usec: Number(view.getBigInt64(8, true)) };
  return bytes.length >= 4 ? view.getInt32(0, true) : (bytes[0] ?? 0);
}

const SOL_SOCKET = 1;
const SO_LINGER = 13;
const SHUT_RDWR = 2;
const F_SETFL = 4;
const IPPROTO_TCP = 6;
const TCP_INFO = 11;
