/**
 * Reading a script character by character: patterns at the current place, spaces and comments between them, and errors
 * that say where. It knows nothing of the language besides its comments.
 */

/** Text that is no script. */
export class ScriptError extends Error {
  override readonly name = 'ScriptError';
  readonly line: number;
  readonly column: number;

  constructor(file: string, line: number, column: number, message: string) {
    super(`${file}:${line}:${column}: ${message}`);
    this.line = line;
    this.column = column;
  }
}

/** A place in a text, which moves on as things are taken. */
export class Scanner {
  readonly file: string;
  readonly text: string;
  at = 0;
  /** Behind what was taken last, before the spaces and comments that follow it. */
  end = 0;

  constructor(file: string, text: string) {
    this.file = file;
    this.text = text;
  }

  /** Goes past spaces and comments. */
  skip(): void {
    const found = this.#match(/(?:\s+|\/\/[^\n]*|#(?!\d)[^\n]*|\/\*[\s\S]*?\*\/)*/y);
    this.at += found?.[0].length ?? 0;
  }

  get isAtEnd(): boolean {
    this.skip();
    return this.at >= this.text.length;
  }

  /** Takes what matches here, after spaces and comments. The pattern needs the flag y. */
  take(pattern: RegExp): RegExpExecArray | null {
    this.skip();
    const found = this.#match(pattern);
    if (found === null) return null;
    this.at += found[0].length;
    this.end = this.at;
    return found;
  }

  /** Takes these characters, if they are next. */
  has(characters: string): boolean {
    this.skip();
    if (!this.text.startsWith(characters, this.at)) return false;
    this.at += characters.length;
    this.end = this.at;
    return true;
  }

  /** Takes this word, if it is next and ends there. */
  hasWord(word: string): boolean {
    this.skip();
    const end = this.at + word.length;
    if (!this.text.startsWith(word, this.at) || /\w/.test(this.text[end] ?? '')) return false;
    this.at = end;
    this.end = end;
    return true;
  }

  /** Is this next? Takes nothing. */
  sees(pattern: RegExp): boolean {
    this.skip();
    return this.#match(pattern) !== null;
  }

  /** @throws ScriptError something else is next */
  need(characters: string): void {
    if (!this.has(characters)) this.fail(`expected '${characters}'`);
  }

  /** @throws ScriptError something else is next */
  needMatch(pattern: RegExp, what: string): string {
    const found = this.take(pattern);
    if (found === null) this.fail(`expected ${what}`);
    return found[0];
  }

  /** A number, decimal or hexadecimal. @throws ScriptError */
  needNumber(what = 'a number'): number {
    return Number(this.needMatch(/0x[0-9a-fA-F]+|\d+/y, what));
  }

  /** @throws ScriptError always: about what was expected here, or about what stands at `at` */
  fail(message: string, at?: number): never {
    this.skip();
    const { line, column } = this.placeOf(at ?? this.at);
    const found = at === undefined ? this.#match(/\S{1,20}/y) : null;
    throw new ScriptError(this.file, line, column, `${message}${found === null ? '' : `, not '${found[0]}'`}`);
  }

  placeOf(at: number): { readonly line: number; readonly column: number } {
    const before = this.text.slice(0, at).split('\n');
    return { line: before.length, column: before.at(-1)!.length + 1 };
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.at;
    return pattern.exec(this.text);
  }
}
