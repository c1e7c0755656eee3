/** Octets of a stream that have come and have not been read yet, and what Lua's formats take from them. */

/** What `io.read` is asked for: so many octets, a number, a line without or with its end, or all that there is. */
export type Format = number | 'n' | 'l' | 'L' | 'a';

/** More has to come before it can be told. */
export const more: unique symbol = Symbol('more');

export class Unread {
  #octets: Uint8Array = new Uint8Array(1024);
  #start = 0;
  #end = 0;

  get length(): number {
    return this.#end - this.#start;
  }

  push(octets: Uint8Array): void {
    if (this.#end + octets.length > this.#octets.length) this.#makeRoom(octets.length);
    this.#octets.set(octets, this.#end);
    this.#end += octets.length;
  }

  #makeRoom(count: number): void {
    const needed = this.length + count;
    const room = needed * 2 > this.#octets.length ? new Uint8Array(needed * 2) : this.#octets;
    room.set(this.#octets.subarray(this.#start, this.#end));
    this.#octets = room;
    this.#end = this.length;
    this.#start = 0;
  }

  clear(): void {
    this.#start = this.#end = 0;
  }

  /**
   * Takes what a format asks for.
   * @param isEnded nothing more will come
   * @returns octets, which may be kept; of 'n' those that may be a number; null if there is no such thing
   */
  take(format: Format, isEnded: boolean): Uint8Array | null | typeof more {
    if (format === 'n') return this.#takeNumeral(isEnded);
    if (format === 'a') return isEnded ? this.#take(this.length) : more;
    const size = typeof format === 'number' ? format : this.#lineLength();
    const isThere = size >= 0 && this.length >= Math.max(1, size);
    if (!isThere && !isEnded) return more;
    if (this.length === 0) return null;
    const taken = this.#take(isThere ? size : this.length);
    return format === 'l' && taken.at(-1) === newline ? taken.subarray(0, -1) : taken;
  }

  /** With its end; -1 when that has not come. */
  #lineLength(): number {
    const at = this.#octets.subarray(this.#start, this.#end).indexOf(newline);
    return at < 0 ? -1 : at + 1;
  }

  /** As long as it may still become a longer number, it is not taken. */
  #takeNumeral(isEnded: boolean): Uint8Array | null | typeof more {
    const start = this.#octets.subarray(this.#start, Math.min(this.#end, this.#start + longestNumeral));
    const text = String.fromCharCode(...start);
    const spaces = /^[\t-\r ]*/.exec(text)![0].length;
    const length = spaces + numeral.exec(text.slice(spaces))![0].length;
    if (length === text.length && text.length < longestNumeral && !isEnded) return more;
    this.#start += length;
    const found = text.slice(spaces, length);
    return wholeNumeral.test(found) ? start.slice(spaces, length) : null;
  }

  #take(count: number): Uint8Array {
    const taken = this.#octets.slice(this.#start, this.#start + count);
    this.#start += count;
    return taken;
  }
}

const newline = 0x0a;
/** Spaces in front of it included. */
const longestNumeral = 200;
/** The beginning of one. */
const numeral = /^[+-]?(?:0x[\da-f]*\.?[\da-f]*(?:p[+-]?\d*)?|\d*\.?\d*(?:e[+-]?\d*)?)/i;
const wholeNumeral = /^[+-]?(?:0x(?=\.?[\da-f])[\da-f]*\.?[\da-f]*(?:p[+-]?\d+)?|(?=\.?\d)\d*\.?\d*(?:e[+-]?\d+)?)$/i;
