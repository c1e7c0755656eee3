import { pattern, sameOctets } from './bytes.ts';
import { numberOf } from './names.ts';
import type { CallSpec, Family, OptionValueSpec, ResultSpec } from './syntax.ts';
import { type Answer, addresses, type Call, usualPort } from './target.ts';

/**
 * The descriptors of a script: which of the target's each number stands for, and how far its two streams have come, so
 * that the running pattern can be written and checked. Turns a script's calls into the target's and checks the answers.
 */
export class Descriptors {
  /** The connection that a script talks of without naming it: what was accepted or connected last. */
  latest: number | null = null;
  readonly #family: Family;
  readonly #hasPattern: boolean;
  readonly #open: Map<number, { readonly live: number; written: number; read: number }> = new Map();

  constructor(family: Family, hasPattern: boolean) {
    this.#family = family;
    this.#hasPattern = hasPattern;
  }

  /** @throws Error the script has no such descriptor open */
  liveOf(fd: number): number {
    return this.#of(fd).live;
  }

  #of(fd: number) {
    const found = this.#open.get(fd);
    if (found === undefined) throw new Error(`the script has no descriptor ${fd} open`);
    return found;
  }

  toCall(spec: CallSpec): Call {
    switch (spec.name) {
      case 'socket':
        return { ...spec, family: spec.family ?? (this.#family === 4 ? 2 : 10) };
      case 'bind':
      case 'connect': {
        const side = spec.name === 'bind' ? addresses.host : addresses.peer;
        const host = spec.address.host ?? side[this.#family];
        return { name: spec.name, fd: this.liveOf(spec.fd), host, port: spec.address.port ?? usualPort };
      }
      case 'send': {
        const stream = this.#of(spec.fd);
        const data = spec.data ?? pattern(stream.written % 251, spec.length);
        const { address } = spec;
        const host = address?.host ?? addresses.peer[this.#family];
        const to = address === null ? null : { host, port: address.port ?? usualPort };
        return { name: 'send', fd: stream.live, data, flags: spec.flags, to };
      }
      case 'getsockopt':
        return { ...spec, fd: this.liveOf(spec.fd), like: spec.value ?? 0 };
      case 'ioctl':
        return { name: 'ioctl', fd: this.liveOf(spec.fd), request: spec.request };
      case 'poll': {
        const polled = spec.polled.map(({ fd, events }) => ({ fd: this.liveOf(fd), events }));
        return { name: 'poll', polled, timeoutMs: spec.timeoutMs };
      }
      default:
        return { ...spec, fd: this.liveOf(spec.fd) };
    }
  }

  /** What is wrong with an answer, or null; remembers what the call has changed. */
  check(spec: CallSpec, result: ResultSpec, answer: Answer): string | null {
    if (answer.unsupported !== undefined) return answer.unsupported;
    const { value, error } = answer;
    const makes = spec.name === 'socket' || spec.name === 'accept';
    const isSame = makes && result.value !== null && result.value >= 0 ? value >= 0 : value === result.value;
    if (result.value !== null && (!isSame || result.error !== error)) {
      return `returned ${error === null ? value : `-1 ${error}`} instead of ${result.error === null ? result.value : `-1 ${result.error}`}`;
    }
    if (value < 0) return spec.name === 'connect' && error === 'EINPROGRESS' ? this.#note(spec, result, answer) : null;
    return this.#note(spec, result, answer) ?? this.#checkFilledIn(spec, answer);
  }

  #note(spec: CallSpec, result: ResultSpec, answer: Answer): string | null {
    if (spec.name === 'socket' || spec.name === 'accept') {
      if (result.value === null) return 'a script must name the descriptor that it gets';
      if (this.#open.has(result.value)) return `the script has descriptor ${result.value} open already`;
      this.#open.set(result.value, { live: answer.value, written: 0, read: 0 });
      this.latest = result.value;
    } else if (spec.name === 'connect') this.latest = spec.fd;
    else if (spec.name === 'close') {
      this.#open.delete(spec.fd);
      if (this.latest === spec.fd) this.latest = [...this.#open.keys()].at(-1) ?? null;
    } else if (spec.name === 'send') this.#of(spec.fd).written += answer.value;
    return null;
  }

  #checkFilledIn(spec: CallSpec, answer: Answer): string | null {
    switch (spec.name) {
      case 'recv':
        return this.#checkText(spec, answer.data ?? new Uint8Array());
      case 'getsockopt':
        if (spec.value === null || sameOption(spec.value, answer.option)) return null;
        return `told ${printOption(answer.option)} instead of ${printOption(spec.value)}`;
      case 'ioctl':
        if (spec.value === null || spec.value === answer.option) return null;
        return `told ${printOption(answer.option)} instead of ${spec.value}`;
      case 'poll': {
        const wrong = spec.polled.findIndex(({ revents }, index) => revents !== (answer.revents?.[index] ?? 0));
        if (wrong < 0) return null;
        const { fd, revents } = spec.polled[wrong]!;
        return `descriptor ${fd} has ${printEvents(answer.revents?.[wrong] ?? 0)} instead of ${printEvents(revents)}`;
      }
      default:
        return null;
    }
  }

  #checkText(spec: Extract<CallSpec, { name: 'recv' }>, data: Uint8Array): string | null {
    const stream = this.#of(spec.fd);
    if (spec.data !== null) {
      if (!sameOctets(spec.data.subarray(0, data.length), data))
        return `read ${textOf(data)} instead of ${textOf(spec.data)}`;
    } else if (this.#hasPattern && !sameOctets(pattern(stream.read % 251, data.length), data)) {
      return `the octets read are not those of the stream from octet ${stream.read} on`;
    }
    if ((spec.flags & (numberOf('MSG_PEEK')! | numberOf('MSG_OOB')!)) === 0) stream.read += data.length;
    return null;
  }
}

const textOf = (data: Uint8Array): string => JSON.stringify(String.fromCharCode(...data.subarray(0, 40)));

function sameOption(wanted: OptionValueSpec, got: OptionValueSpec | undefined): boolean {
  return printOption(wanted) === printOption(got);
}

function printOption(value: OptionValueSpec | undefined): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return `"${value}"`;
  if ('onoff' in value) return `{onoff=${value.onoff}, linger=${value.linger}}`;
  return `{tv_sec=${value.sec}, tv_usec=${value.usec}}`;
}

const eventNames = [
  'POLLIN',
  'POLLPRI',
  'POLLOUT',
  'POLLERR',
  'POLLHUP',
  'POLLNVAL',
  'POLLRDHUP',
  'POLLRDNORM',
  'POLLWRNORM',
];

function printEvents(events: number): string {
  const names = eventNames.filter((name) => (events & numberOf(name)!) !== 0);
  return names.join('|') || '0';
}
