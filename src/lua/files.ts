/** What a program gets to see of the world around it besides sockets; whoever runs it hands that in. */

/** As fopen(3), without the 'b', which says nothing here: texts are octets. */
export type LuaFileMode = 'r' | 'w' | 'a' | 'r+' | 'w+' | 'a+';

/**
 * Files by their names. All of it is done at once, and throws an `Error` when it cannot: one with Node's `code` ('ENOENT') and
 * `errno` is told as Lua tells it, any other by its message.
 */
export interface LuaFiles {
  open(name: string, mode: LuaFileMode): LuaFile;
  remove(name: string): void;
  rename(from: string, to: string): void;
  /** A name that no file has. */
  temporaryName(): string;
}

/** A file that is open. Positions are octets from its beginning. */
export interface LuaFile {
  /** Up to `most` octets; none at the end. */
  read(position: number, most: number): Uint8Array;
  /** Writes all of `octets`. */
  write(position: number, octets: Uint8Array): void;
  size(): number;
  close(): void;
}

/** Octets of standard input as they come; null at its end. At once where nobody else has to go on meanwhile. */
export type LuaInput = () => Uint8Array | null | Promise<Uint8Array | null>;

/** Runs a command of a shell, and says how it has ended: by itself with a code, or by a signal. */
export type LuaExecute = (command: string) => Promise<LuaEnded> | LuaEnded;

export interface LuaEnded {
  readonly how: 'exit' | 'signal';
  readonly code: number;
}

/** Starts a command of a shell, whose output a program reads ('r'), or whose input it writes ('w'). Throws as `LuaFiles` does. */
export type LuaPopen = (command: string, mode: 'r' | 'w') => LuaPipe;

/**
 * One end of a pipe to a command. What cannot be done at once, or may take long while somebody else has to go on, is a promise;
 * what goes wrong is thrown, or rejected, as by `LuaFiles`.
 */
export interface LuaPipe {
  /** Octets of its output as they come; null at the end. */
  read(): Uint8Array | null | Promise<Uint8Array | null>;
  /** Takes all of `octets` for its input. */
  write(octets: Uint8Array): Promise<void> | void;
  /** Closes this end, and waits until the command has ended. */
  close(): Promise<LuaEnded> | LuaEnded;
}

/** What has gone wrong with a file. */
export class LuaFileError extends Error {
  override readonly name = 'LuaFileError';
  readonly code: string;
  readonly errno: number;

  constructor(message: string, code: string, errno: number) {
    super(message);
    this.code = code;
    this.errno = errno;
  }
}

const refuse = (): never => {
  throw new LuaFileError('this program has been given no files', '', 1);
};

/** Of a program that has been given none. */
export const noFiles: LuaFiles = { open: refuse, remove: refuse, rename: refuse, temporaryName: refuse };

export const noInput: LuaInput = () => {
  throw new TypeError('this program has been given no input');
};
