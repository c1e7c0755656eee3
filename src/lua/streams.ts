import { type LuaEnded, type LuaFile, LuaFileError, type LuaFileMode, type LuaInput, type LuaPipe } from './files.ts';
import { type Format, more, Unread } from './unread.ts';

/** What a Lua program calls a file: a file, a standard stream, or a pipe to a command. */

/** What is behind a stream. */
interface Channel {
  /** The next octets, about as many as are wanted; null at the end. */
  next(wanted: number): Uint8Array | null | Promise<Uint8Array | null>;
  /** @param unread octets that have been taken by `next`, and are given back */
  write(octets: Uint8Array, unread: number): Promise<void> | void;
  /** @returns the new place */
  seek(from: Whence, offset: number, unread: number): number;
  close(): Closing;
}

/** What closing gives: nothing of note, that it stays open, or how the command at the other end has ended. */
type Closing = 'closed' | 'stays open' | LuaEnded | Promise<LuaEnded>;

export type Whence = 'set' | 'cur' | 'end';

/** What a format has given: octets, or null. */
export type Piece = Uint8Array | null;

export class Stream {
  isClosed = false;
  readonly #channel: Channel;
  readonly #unread: Unread = new Unread();

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  /**
   * Reads what the formats ask for, up to the first that gets nothing.
   * @returns a promise only if it has to wait
   */
  read(formats: readonly Format[]): Piece[] | Promise<Piece[]> {
    const pieces: Piece[] = [];
    let isEnded = false;
    const take = (next: Uint8Array | null): void => {
      if (next === null || next.length === 0) isEnded = true;
      else this.#unread.push(next);
    };
    const goOn = (): Piece[] | Promise<Piece[]> => {
      while (pieces.length < formats.length && pieces.at(-1) !== null) {
        const format = formats[pieces.length]!;
        const piece = this.#unread.take(format, isEnded);
        if (piece !== more) {
          pieces.push(piece);
          continue;
        }
        const next = this.#channel.next(wantedFor(format));
        if (next instanceof Promise) {
          return next.then((octets) => {
            take(octets);
            return goOn();
          });
        }
        take(next);
      }
      return pieces;
    };
    return goOn();
  }

  /** @returns a promise only if it has to wait */
  write(octets: Uint8Array): Promise<void> | void {
    const { length } = this.#unread;
    this.#unread.clear();
    return this.#channel.write(octets, length);
  }

  seek(from: Whence, offset: number): number {
    const place = this.#channel.seek(from, offset, this.#unread.length);
    this.#unread.clear();
    return place;
  }

  close(): Closing {
    const closing = this.#channel.close();
    this.isClosed = closing !== 'stays open';
    return closing;
  }
}

const wantedFor = (format: Format): number => {
  if (format === 'a') return Number.MAX_SAFE_INTEGER;
  return typeof format === 'number' ? Math.max(format, usual) : usual;
};

const usual = 4096;

const refuse = (message: string, code: string, errno: number) => (): never => {
  throw new LuaFileError(message, code, errno);
};
const notOpen = refuse('Bad file descriptor', 'EBADF', 9);
const noPlace = refuse('Illegal seek', 'ESPIPE', 29);
const stays = (): Closing => 'stays open';

/** Standard output, and that for errors. */
export const outputStream = (output: (octets: Uint8Array) => void): Stream =>
  new Stream({ next: notOpen, write: output, seek: noPlace, close: stays });

export const inputStream = (input: LuaInput): Stream =>
  new Stream({ next: input, write: notOpen, seek: noPlace, close: stays });

/** A file, read and written at one place. */
export function fileStream(file: LuaFile, mode: LuaFileMode, onClose: () => void = () => {}): Stream {
  let position = 0;
  const isRead = mode === 'r' || mode.endsWith('+');
  return new Stream({
    next(wanted) {
      if (!isRead) return notOpen();
      const octets = file.read(position, Math.min(wanted, Math.max(usual, file.size() - position)));
      position += octets.length;
      return octets;
    },
    write(octets, unread) {
      if (mode === 'r') return notOpen();
      const place = mode.startsWith('a') ? file.size() : position - unread;
      file.write(place, octets);
      position = place + octets.length;
    },
    seek(from, offset, unread) {
      const bases = { set: 0, cur: position - unread, end: file.size() };
      const place = bases[from] + offset;
      if (!(place >= 0)) throw new LuaFileError('Invalid argument', 'EINVAL', 22);
      position = place;
      return place;
    },
    close() {
      file.close();
      onClose();
      return 'closed';
    },
  });
}

/** One end of a pipe to a command. */
export function pipeStream(pipe: LuaPipe, mode: 'r' | 'w', onClose: () => void): Stream {
  const write = (octets: Uint8Array): Promise<void> | void => {
    const taken = pipe.write(octets);
    if (taken instanceof Promise) taken.catch(() => {}); // whoever waits for it is told; there may be nobody
    return taken;
  };
  return new Stream({
    next: mode === 'r' ? () => pipe.read() : notOpen,
    write: mode === 'w' ? write : notOpen,
    seek: noPlace,
    close() {
      onClose();
      return pipe.close();
    },
  });
}
