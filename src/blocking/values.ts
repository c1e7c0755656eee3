/**
 * Values as they travel between threads: undefined, null, booleans, numbers, text (as UTF-8), octets, and lists and records of
 * them. Not node:v8's format: a call after a pause finds caches cold, and then that takes five times as long to write and to read
 * (`npm run bench -- blocking`).
 */

/**
 * @returns octets for `decode`; those of a small value are good until the next `encode`
 * @throws TypeError a value that cannot travel
 */
export function encode(value: unknown): Uint8Array {
  const writer = new Writer();
  writer.put(value, 0);
  return writer.octets;
}

/** The value of which these are the octets. What it has of octets is copies from shared memory, or else views. */
export const decode = (octets: Uint8Array): unknown => new Reader(octets).take();

const tags = {
  undefined: 0,
  null: 1,
  false: 2,
  true: 3,
  int: 4,
  double: 5,
  ascii: 6,
  text: 7,
  octets: 8,
  list: 9,
  record: 10,
};

class Writer {
  #area = scratch;
  #at = 0;

  get octets(): Uint8Array {
    return this.#area.subarray(0, this.#at);
  }

  put(value: unknown, depth: number): void {
    if (depth > mostDepth) throw new TypeError('an argument of too many levels');
    if (value === undefined) this.#tag(tags.undefined);
    else if (value === null) this.#tag(tags.null);
    else if (typeof value === 'boolean') this.#tag(value ? tags.true : tags.false);
    else if (typeof value === 'number') this.#number(value);
    else if (typeof value === 'string') this.#text(value);
    else if (value instanceof Uint8Array) this.#octets(tags.octets, value);
    else if (Array.isArray(value)) {
      this.#length(tags.list, value.length);
      for (const each of value) this.put(each, depth + 1);
    } else if (typeof value === 'object') {
      const entries = Object.entries(value);
      this.#length(tags.record, entries.length);
      for (const [key, each] of entries) {
        this.#text(key);
        this.put(each, depth + 1);
      }
    } else throw new TypeError(`a ${typeof value} cannot go to another thread`);
  }

  #tag(tag: number): void {
    this.#reserve(1);
    this.#area[this.#at++] = tag;
  }

  #number(value: number): void {
    if ((value | 0) === value && !Object.is(value, -0)) return this.#length(tags.int, value);
    this.#tag(tags.double);
    double[0] = value;
    this.#reserve(8);
    this.#area.set(doubleOctets, this.#at);
    this.#at += 8;
  }

  #length(tag: number, length: number): void {
    this.#reserve(5);
    const area = this.#area;
    area[this.#at++] = tag;
    for (let shift = 0; shift < 32; shift += 8) area[this.#at++] = length >> shift;
  }

  #octets(tag: number, octets: Uint8Array): void {
    this.#length(tag, octets.length);
    this.#reserve(octets.length);
    this.#area.set(octets, this.#at);
    this.#at += octets.length;
  }

  /** Names and addresses letter by letter, the rest by what is made for much. */
  #text(text: string): void {
    if (text.length > shortText) return this.#octets(tags.text, new TextEncoder().encode(text));
    const start = this.#at;
    this.#length(tags.ascii, text.length);
    this.#reserve(text.length);
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      if (code > 0x7f) {
        this.#at = start;
        return this.#octets(tags.text, new TextEncoder().encode(text));
      }
      this.#area[this.#at++] = code;
    }
  }

  #reserve(count: number): void {
    if (this.#at + count <= this.#area.length) return;
    const larger = new Uint8Array(Math.max(2 * this.#area.length, this.#at + count));
    larger.set(this.octets);
    this.#area = larger;
  }
}

class Reader {
  readonly #area: Uint8Array;
  readonly #isShared: boolean;
  #at = 0;

  constructor(octets: Uint8Array) {
    this.#area = octets;
    this.#isShared = octets.buffer instanceof SharedArrayBuffer;
  }

  take(): unknown {
    const tag = this.#area[this.#at++];
    if (tag === tags.undefined) return undefined;
    if (tag === tags.null) return null;
    if (tag === tags.false || tag === tags.true) return tag === tags.true;
    if (tag === tags.double) return this.#double();
    const int = this.#count();
    if (tag === tags.int) return int;
    const count = int >>> 0;
    if (tag === tags.octets) return this.#octets(count);
    if (tag === tags.ascii) return this.#ascii(count);
    if (tag === tags.text) return decoder.decode(this.#octets(count));
    return tag === tags.list ? this.#list(count) : this.#record(count);
  }

  #double(): number {
    for (let index = 0; index < 8; index++) doubleOctets[index] = this.#area[this.#at++]!;
    return double[0]!;
  }

  #count(): number {
    let count = 0;
    for (let shift = 0; shift < 32; shift += 8) count |= this.#area[this.#at++]! << shift;
    return count;
  }

  #octets(count: number): Uint8Array {
    const start = this.#at;
    this.#at += count;
    return this.#isShared ? this.#area.slice(start, this.#at) : this.#area.subarray(start, this.#at);
  }

  #ascii(count: number): string {
    let text = '';
    for (let index = 0; index < count; index++) text += String.fromCharCode(this.#area[this.#at++]!);
    return text;
  }

  #list(count: number): unknown[] {
    const list: unknown[] = [];
    for (let index = 0; index < count; index++) list.push(this.take());
    return list;
  }

  #record(count: number): object {
    const entries: [string, unknown][] = [];
    for (let index = 0; index < count; index++) entries.push([this.take() as string, this.take()]);
    return Object.fromEntries(entries);
  }
}

const mostDepth = 100;
/** Letters. */
const shortText = 64;
/** Where small values are written, one after the other. */
const scratch = new Uint8Array(1024);
const double = new Float64Array(1);
const doubleOctets = new Uint8Array(double.buffer);
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
