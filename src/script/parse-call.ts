import { numberOf } from './names.ts';
import type { Scanner } from './scanner.ts';
import type { AddressSpec, CallSpec, OptionValueSpec, PolledSpec, ResultSpec } from './syntax.ts';

/** Reads socket calls: `write(4, ..., 1000) = 1000`, with the arguments that the C functions have. */

/** An argument: names have become numbers; null is '...', the usual. */
type Value = number | string | null | readonly Value[] | Struct;
interface Struct {
  readonly fields: ReadonlyMap<string, Value>;
}

/** Reads a call and its result. @throws ScriptError */
export function parseCall(from: Scanner): { readonly call: CallSpec; readonly result: ResultSpec } {
  from.skip();
  const start = from.at;
  const name = from.needMatch(/[a-z_]\w*(?=\s*\()/y, 'the name of a call, a packet, or %{');
  const read = calls.get(name);
  if (read === undefined) from.fail(`there is no call '${name}'`, start);
  from.need('(');
  const values = from.sees(/\)/y) ? [] : readList(from, ')');
  from.need(')');
  const call = read(new Arguments(from, start, name, values));
  return { call, result: readResult(from) };
}

function readResult(from: Scanner): ResultSpec {
  from.need('=');
  if (from.has('?')) return { value: null, error: null };
  const sign = from.has('-') ? -1 : 1;
  const value = sign * from.needNumber("a result, or '?'");
  const error = value === -1 ? (from.take(/E[A-Z0-9]+\b/y)?.[0] ?? null) : null;
  if (value === -1 && error === null) from.fail('expected the name of an error');
  from.take(/\([^)\n]*\)/y); // what the error means, or what the flags are
  return { value, error };
}

// Arguments ------------------------------------------------------------------------------------------------------------

function readList(from: Scanner, end: string): Value[] {
  const values: Value[] = [];
  do {
    if (from.sees(end === ']' ? /\]/y : /\)/y)) break;
    values.push(readValue(from));
  } while (from.has(','));
  return values;
}

function readValue(from: Scanner): Value {
  if (from.has('...')) return null;
  if (from.has('[')) {
    const values = readList(from, ']');
    from.need(']');
    return values;
  }
  if (from.has('{')) return readStruct(from);
  if (from.sees(/"/y)) return readString(from);
  return readNumber(from);
}

function readStruct(from: Scanner): Struct {
  const fields = new Map<string, Value>();
  while (!from.has('}')) {
    const name = from.needMatch(/\.?[a-z_]\w*/y, 'the name of a member').replace('.', '');
    from.need('=');
    fields.set(name, readValue(from));
    if (!from.has(',') && !from.sees(/\}/y)) from.fail("expected ',' or '}'");
  }
  return { fields };
}

/** A text in double quotes with C's usual escapes. */
export function readString(from: Scanner): string {
  const text = from.needMatch(/"(?:[^"\\\n]|\\.)*"/y, 'a text').slice(1, -1);
  return text.replace(/\\(x[0-9a-fA-F]{2}|.)/g, (_, escaped: string) => {
    if (escaped.length === 3) return String.fromCharCode(Number.parseInt(escaped.slice(1), 16));
    return escapes[escaped] ?? escaped;
  });
}

const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '0': '\0' };

/** Characters as octets. */
export const octetsOf = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));

function readNumber(from: Scanner): number | string {
  let value = readTerm(from);
  while (from.has('|')) {
    const next = readTerm(from);
    if (typeof value === 'string' || typeof next === 'string') from.fail('expected numbers on both sides of |');
    value = (value | next) >>> 0;
  }
  return value;
}

function readTerm(from: Scanner): number | string {
  if (from.has('-')) return -from.needNumber();
  if (from.sees(/\d/y)) return from.needNumber();
  from.skip();
  const start = from.at;
  const name = from.needMatch(/[A-Za-z_]\w*/y, 'a value');
  if (from.has('(')) {
    const values = readList(from, ')');
    from.need(')');
    const isAddress = name === 'inet_pton' || name === 'inet_addr';
    const value = isAddress ? values.find((each) => typeof each === 'string') : values[0];
    if (!/^(htons|htonl|inet_addr|inet_pton)$/.test(name) || (typeof value !== 'number' && typeof value !== 'string')) {
      from.fail(`there is no function '${name}' of such values`, start);
    }
    return value;
  }
  const value = numberOf(name);
  if (value === undefined) from.fail(`unknown name '${name}'`, start);
  return value;
}

/** The arguments of one call, taken by their places. */
class Arguments {
  readonly #from: Scanner;
  readonly #start: number;
  readonly #name: string;
  readonly #values: readonly Value[];

  constructor(from: Scanner, start: number, name: string, values: readonly Value[]) {
    this.#from = from;
    this.#start = start;
    this.#name = name;
    this.#values = values;
  }

  fail(message: string): never {
    this.#from.fail(`${this.#name}: ${message}`, this.#start);
  }

  count(least: number, most = least): void {
    const count = this.#values.length;
    if (count < least || count > most) {
      this.fail(`${least === most ? least : `${least} to ${most}`} arguments expected, not ${count}`);
    }
  }

  number(index: number, usual?: number): number {
    const value = this.#values[index] ?? usual;
    if (typeof value !== 'number') this.fail(`argument ${index + 1} is not a number`);
    return value;
  }

  /** A number, or null for '...'. */
  numberOrUsual(index: number): number | null {
    return this.#values[index] === null ? null : this.number(index);
  }

  /** What is sent, or is to be read; null for the pattern. */
  data(index: number): Uint8Array | null {
    const value = this.#values[index];
    if (typeof value === 'string') return octetsOf(value);
    if (value === null) return null;
    return this.fail(`argument ${index + 1} is neither ... nor a text`);
  }

  address(index: number): AddressSpec {
    const value = this.#values[index] ?? null;
    if (value === null) return { host: null, port: null };
    if (typeof value !== 'object' || !('fields' in value)) return this.fail(`argument ${index + 1} is not an address`);
    const port = value.fields.get('sin_port') ?? value.fields.get('sin6_port') ?? null;
    let host = value.fields.get('sin_addr') ?? value.fields.get('sin6_addr') ?? null;
    if (host === 0) host = '0.0.0.0';
    if (port !== null && typeof port !== 'number') return this.fail('the port is not a number');
    if (host !== null && typeof host !== 'string') return this.fail('the address is not a text');
    return { host, port };
  }

  /** `[1]`, `1`, a text, {onoff, linger} or {tv_sec, tv_usec}; null for '...'. */
  option(index: number): OptionValueSpec | null {
    let value = this.#values[index] ?? null;
    if (Array.isArray(value) && value.length === 1) value = value[0] as Value;
    if (value === null || typeof value === 'number' || typeof value === 'string') return value;
    if ('fields' in value) {
      const member = (...names: string[]): number | null => {
        const found = names.map((name) => value.fields.get(name)).find((each) => each !== undefined);
        return typeof found === 'number' ? found : null;
      };
      const onoff = member('onoff', 'l_onoff');
      const linger = member('linger', 'l_linger');
      if (onoff !== null && linger !== null) return { onoff, linger };
      const sec = member('tv_sec');
      if (sec !== null) return { sec, usec: member('tv_usec') ?? 0 };
    }
    return this.fail(`argument ${index + 1} is not the value of an option`);
  }

  /** The one number of `[N]`; null for '...'. */
  told(index: number): number | null {
    const value = this.option(index);
    if (value !== null && typeof value !== 'number') return this.fail(`argument ${index + 1} is not [NUMBER]`);
    return value;
  }

  polled(index: number): PolledSpec[] {
    const list = this.#values[index];
    if (!Array.isArray(list)) return this.fail('the first argument is not a list of {fd=, events=, revents=}');
    return list.map((each: Value) => {
      const fields = typeof each === 'object' && each !== null && 'fields' in each ? each.fields : null;
      const number = (name: string, otherwise?: number): number => {
        const value = fields?.get(name) ?? otherwise;
        return typeof value === 'number' ? value : this.fail(`a descriptor without ${name}`);
      };
      return { fd: number('fd'), events: number('events'), revents: number('revents', 0) };
    });
  }
}

const calls: ReadonlyMap<string, (given: Arguments) => CallSpec> = new Map<string, (given: Arguments) => CallSpec>([
  [
    'socket',
    (given) => {
      given.count(3);
      return { name: 'socket', family: given.numberOrUsual(0), type: given.number(1), protocol: given.number(2) };
    },
  ],
  [
    'bind',
    (given) => {
      given.count(3);
      return { name: 'bind', fd: given.number(0), address: given.address(1) };
    },
  ],
  [
    'connect',
    (given) => {
      given.count(3);
      return { name: 'connect', fd: given.number(0), address: given.address(1) };
    },
  ],
  [
    'listen',
    (given) => {
      given.count(2);
      return { name: 'listen', fd: given.number(0), backlog: given.number(1) };
    },
  ],
  [
    'accept',
    (given) => {
      given.count(3);
      return { name: 'accept', fd: given.number(0), flags: 0 };
    },
  ],
  [
    'accept4',
    (given) => {
      given.count(4);
      return { name: 'accept', fd: given.number(0), flags: given.number(3) };
    },
  ],
  ['write', (given) => sending(given, 3)],
  ['send', (given) => sending(given, 4)],
  ['sendto', (given) => sending(given, 6)],
  ['read', (given) => receiving(given, 3)],
  ['recv', (given) => receiving(given, 4)],
  ['recvfrom', (given) => receiving(given, 6)],
  [
    'shutdown',
    (given) => {
      given.count(2);
      return { name: 'shutdown', fd: given.number(0), how: given.number(1) };
    },
  ],
  [
    'close',
    (given) => {
      given.count(1);
      return { name: 'close', fd: given.number(0) };
    },
  ],
  [
    'setsockopt',
    (given) => {
      given.count(5);
      const value = given.option(3) ?? given.fail('what is the option to be set to?');
      return { name: 'setsockopt', fd: given.number(0), level: given.number(1), option: given.number(2), value };
    },
  ],
  [
    'getsockopt',
    (given) => {
      given.count(5);
      const value = given.option(3);
      return { name: 'getsockopt', fd: given.number(0), level: given.number(1), option: given.number(2), value };
    },
  ],
  [
    'fcntl',
    (given) => {
      given.count(2, 3);
      return { name: 'fcntl', fd: given.number(0), command: given.number(1), argument: given.number(2, 0) };
    },
  ],
  [
    'ioctl',
    (given) => {
      given.count(3);
      return { name: 'ioctl', fd: given.number(0), request: given.number(1), value: given.told(2) };
    },
  ],
  [
    'poll',
    (given) => {
      given.count(3);
      return { name: 'poll', polled: given.polled(0), timeoutMs: given.number(2) };
    },
  ],
]);

function sending(given: Arguments, count: 3 | 4 | 6): CallSpec {
  given.count(count);
  const data = given.data(1);
  const length = given.number(2);
  if (data !== null && data.length < length) given.fail(`the text has ${data.length} octets only`);
  return {
    name: 'send',
    fd: given.number(0),
    data: data === null ? null : data.subarray(0, length),
    length,
    flags: count === 3 ? 0 : given.number(3),
    address: count === 6 ? given.address(4) : null,
  };
}

function receiving(given: Arguments, count: 3 | 4 | 6): CallSpec {
  given.count(count);
  const flags = count === 3 ? 0 : given.number(3);
  return { name: 'recv', fd: given.number(0), data: given.data(1), length: given.number(2), flags };
}
