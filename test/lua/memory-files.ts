/** Files in memory, by their names. */
import type { LuaFile, LuaFileMode, LuaFiles } from '../../src/lua/index.ts';

export class MemoryFiles implements LuaFiles {
  readonly contents: Map<string, Buffer>;
  /** Files that are open. */
  opened = 0;

  constructor(contents: Readonly<Record<string, string>> = {}) {
    this.contents = new Map(Object.entries(contents).map(([name, text]) => [name, Buffer.from(text, 'latin1')]));
  }

  text(name: string): string | undefined {
    return this.contents.get(name)?.toString('latin1');
  }

  open(name: string, mode: LuaFileMode): LuaFile {
    if (mode.startsWith('r')) this.#get(name);
    if (mode.startsWith('w') || !this.contents.has(name)) this.contents.set(name, Buffer.alloc(0));
    this.opened++;
    return {
      read: (position, most) => this.#get(name).subarray(position, position + most),
      write: (position, octets) => {
        if (mode === 'r') throw failure('EBADF', 9);
        const old = this.#get(name);
        const whole = Buffer.alloc(Math.max(old.length, position + octets.length));
        whole.set(old);
        whole.set(octets, position);
        this.contents.set(name, whole);
      },
      size: () => this.#get(name).length,
      close: () => void this.opened--,
    };
  }

  remove(name: string): void {
    this.#get(name);
    this.contents.delete(name);
  }

  rename(from: string, to: string): void {
    this.contents.set(to, this.#get(from));
    this.contents.delete(from);
  }

  temporaryName(): string {
    return '/tmp/lua_1';
  }

  #get(name: string): Buffer {
    const found = this.contents.get(name);
    if (found === undefined) throw failure('ENOENT', 2);
    return found;
  }
}

const failure = (code: string, errno: number): Error => Object.assign(new Error(code), { code, errno });

/** Standard input that gives these pieces, one at a time. */
export function inputOf(...pieces: string[]): () => Promise<Uint8Array | null> {
  const left = pieces.map((piece) => Buffer.from(piece, 'latin1'));
  return async () => left.shift() ?? null;
}
