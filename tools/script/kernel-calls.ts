/** The calls of scripts as system calls of the kernel. Those that may wait go to another thread. */
import type { Answer, Call, OptionValueSpec } from '../../src/script/index.ts';
import type { Returned } from './kernel-libc.ts';
import { type KernelNamespace, O_NONBLOCK, SOCK_CLOEXEC, socketAddress } from './kernel-namespace.ts';
import { readTcpInfo, tcpInfoSize } from './tcp-info.ts';

export class KernelCalls {
  readonly #namespace: KernelNamespace;
  readonly #congestion: Uint8Array | null;
  /** Open descriptors; true: they wait. */
  readonly #open: Map<number, boolean> = new Map();
  readonly #waiting: Set<Promise<unknown>> = new Set();

  /** @param congestion the congestion control of all sockets, whatever the machine's default is; null: that one */
  constructor(namespace: KernelNamespace, congestion: string | null) {
    this.#namespace = namespace;
    this.#congestion = congestion === null ? null : encodeOption(congestion);
  }

  get #libc() {
    return this.#namespace.libc;
  }

  /** Does a call; a promise means that it waits, on another thread. */
  call(call: Call): Answer | Promise<Answer> {
    const libc = this.#libc;
    switch (call.name) {
      case 'socket': {
        const { family, type, protocol } = call;
        const fd = this.#namespace.inside(() => libc.socket(family, type | SOCK_CLOEXEC, protocol));
        if (fd >= 0 && this.#congestion !== null)
          libc.setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, this.#congestion, this.#congestion.length);
        return this.#keep(this.#returned(fd), (type & O_NONBLOCK) === 0);
      }
      case 'bind': {
        const address = socketAddress(call.host, call.port);
        return this.#returned(libc.bind(call.fd, address, address.length));
      }
      case 'connect': {
        const address = socketAddress(call.host, call.port);
        const { now, later } = libc.connect;
        return this.#waits(call.fd)
          ? this.#later(later(call.fd, address, address.length))
          : now(call.fd, address, address.length);
      }
      case 'listen':
        return this.#returned(libc.listen(call.fd, call.backlog));
      case 'accept':
        return this.#accept(call.fd, call.flags);
      case 'send':
        return this.#send(call);
      case 'recv':
        return this.#receive(call);
      case 'shutdown':
        return this.#returned(libc.shutdown(call.fd, call.how));
      case 'close': {
        const waits = this.#waits(call.fd) && this.#lingers(call.fd);
        this.#open.delete(call.fd);
        return waits ? this.#later(libc.closing.later(call.fd)) : libc.closing.now(call.fd);
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

  #accept(fd: number, flags: number): Answer | Promise<Answer> {
    const { now, later } = this.#libc.accept;
    const keep = (answer: Answer): Answer => this.#keep(answer, (flags & O_NONBLOCK) === 0);
    const all = [fd, null, null, flags | SOCK_CLOEXEC] as const;
    return this.#waits(fd) && !this.#isReadable(fd) ? this.#later(later(...all)).then(keep) : keep(now(...all));
  }

  /** A little goes at once where there is room for it, which is the same as a call that might have waited. */
  #send({ fd, data, flags, to }: Extract<Call, { name: 'send' }>): Answer | Promise<Answer> {
    const { now, later } = this.#libc.sendto;
    const address = to === null ? null : socketAddress(to.host, to.port);
    const addressLength = address?.length ?? 0;
    if (!this.#waits(fd)) return now(fd, data, data.length, flags, address, addressLength);
    if (data.length > LITTLE) return this.#later(later(fd, data, data.length, flags, address, addressLength));
    const first = now(fd, data, data.length, flags | MSG_DONTWAIT, address, addressLength);
    if (first.value === data.length || (first.error !== null && first.error !== 'EAGAIN')) return first;
    const sent = Math.max(0, first.value);
    const rest = data.slice(sent);
    return this.#later(later(fd, rest, rest.length, flags, address, addressLength)).then(({ value, error }) =>
      error === null || sent === 0 ? { value: value + sent, error } : { value: sent, error: null },
    );
  }

  #receive({ fd, length, flags }: Extract<Call, { name: 'recv' }>): Answer | Promise<Answer> {
    const { now, later } = this.#libc.recv;
    const into = new Uint8Array(new ArrayBuffer(Math.max(1, length)));
    const withData = (answer: Answer): Answer => ({
      ...answer,
      data: into.subarray(0, Math.max(0, Math.min(answer.value, length))),
    });
    const mayWait = this.#waits(fd) && (flags & (MSG_DONTWAIT | MSG_OOB)) === 0;
    const waits = mayWait && ((flags & MSG_WAITALL) !== 0 || !this.#isReadable(fd));
    return waits ? this.#later(later(fd, into, length, flags)).then(withData) : withData(now(fd, into, length, flags));
  }

  #poll({ polled, timeoutMs }: Extract<Call, { name: 'poll' }>): Answer | Promise<Answer> {
    const records = new Uint8Array(new ArrayBuffer(Math.max(1, polled.length) * 8));
    const view = new DataView(records.buffer);
    polled.forEach(({ fd, events }, index) => {
      view.setInt32(index * 8, fd, true);
      view.setInt16(index * 8 + 4, events, true);
    });
    const { now, later } = this.#libc.poll;
    const told = (answer: Answer): Answer => ({
      ...answer,
      revents: polled.map((_, index) => view.getUint16(index * 8 + 6, true)),
    });
    const first = now(records, polled.length, 0);
    return first.value !== 0 || timeoutMs === 0
      ? told(first)
      : this.#later(later(records, polled.length, timeoutMs)).then(told);
  }

  /** Is this a descriptor whose calls wait? */
  #waits(fd: number): boolean {
    return this.#open.get(fd) === true;
  }

  #isReadable(fd: number): boolean {
    const record = new Uint8Array(new ArrayBuffer(8));
    const view = new DataView(record.buffer);
    view.setInt32(0, fd, true);
    view.setInt16(4, POLLIN, true);
    return this.#libc.poll.now(record, 1, 0).value > 0;
  }

  #returned(value: number): Answer {
    return { value, error: value < 0 ? this.#libc.errorName() : null };
  }

  #keep(answer: Answer, waits: boolean): Answer {
    if (answer.value >= 0) this.#open.set(answer.value, waits);
    return answer;
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
const LITTLE = 2048;
const F_SETFL = 4;
const POLLIN = 1;
const MSG_OOB = 1;
const MSG_DONTWAIT = 0x40;
const MSG_WAITALL = 0x100;
const IPPROTO_TCP = 6;
const TCP_INFO = 11;
const TCP_CONGESTION = 13;
