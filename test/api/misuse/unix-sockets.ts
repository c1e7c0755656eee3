/** Sockets of AF_UNIX that do not wait, ours or the kernel's, with the same calls: whatever is asked, the answer is a word. */

/** 'ok', what the call returned, or the name of its error. */
export type Answer = string;

export type UnixKind = 'stream' | 'dgram' | 'seqpacket';

/** Numbers of socket(2), the same everywhere. */
export const kindNumbers = { stream: 1, dgram: 2, seqpacket: 5 } as const satisfies Record<UnixKind, number>;

export interface Accepted {
  readonly answer: Answer;
  readonly socket: UnixSocket | null;
}

/** Names are those of the world that the socket is of. */
export interface UnixSocket {
  readonly kind: UnixKind;
  bind(name: string): Promise<Answer>;
  listen(backlog: number): Answer;
  accept(): Promise<Accepted>;
  /** Null: AF_UNSPEC, which lets a peer go. */
  connect(name: string | null): Promise<Answer>;
  /** Without a name to the peer. */
  send(data: Uint8Array, flags: number, to: string | null): Promise<Answer>;
  /** 'EOF' at the end of a stream, or what has come and from whom, as `received` writes it. */
  recv(size: number, flags: number): Promise<Answer>;
  /** 0 reading, 1 writing, 2 both. */
  shutdown(how: number): Answer;
  getsockname(): Answer;
  getpeername(): Answer;
  setoption(level: number, name: number, value: number): Answer;
  /** A number, or an error; of SO_ERROR its name. */
  getoption(level: number, name: number): Answer;
  /** What poll(2) tells: letters of `pollLetters`, '-' for none. */
  poll(): Answer;
  /** SIOCINQ */
  inq(): Answer;
  close(): Promise<void>;
}

/** Somewhere to have sockets, with names that nobody else has. */
export interface UnixWorld {
  /** 'a' is a path, '@a' an abstract name. '' asks for a name. 'x109' is a path that long. */
  nameOf(short: string): string;
  open(kind: UnixKind): UnixSocket;
  pair(kind: UnixKind): readonly [UnixSocket, UnixSocket];
  unlink(name: string): Answer;
}

/** Somewhere to have the sockets of one question, which `leave` gives back. */
export type EnterUnix = () => { readonly world: UnixWorld; readonly leave: () => Promise<void> };

/** POLLIN, POLLOUT, POLLPRI, POLLERR, POLLHUP, POLLRDHUP. */
export const pollLetters = [
  ['r', 0x1],
  ['w', 0x4],
  ['p', 0x2],
  ['e', 0x8],
  ['h', 0x10],
  ['d', 0x2000],
] as const;

/** '3B abc from a'. Of messages none and an empty one look the same to C. */
export function received(kind: UnixKind, data: Uint8Array, from: string): Answer {
  if (data.length === 0 && kind === 'stream') return 'EOF';
  const text = data.length > 12 ? `sum ${data.reduce((sum, octet) => (sum * 31 + octet) >>> 0, 0)}` : latin1(data);
  return `${data.length}B ${text} from '${from}'`;
}

const latin1 = (data: Uint8Array): string => String.fromCharCode(...data);

/** The names of a world begin with something of its own, which answers do not show; names that were chosen all look alike. */
export class Names {
  readonly #prefix: string;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  full(short: string): string {
    if (short === '') return '';
    if (short.startsWith('x')) return this.#prefix.padEnd(Number(short.slice(1)), 'x');
    return short.startsWith('@') ? `\0${this.#prefix}${short.slice(1)}` : `${this.#prefix}${short}`;
  }

  short(name: string): string {
    if (/^\0[0-9a-f]{5}$/.test(name)) return '@chosen';
    return name.replace('\0', '@').replace(this.#prefix, '');
  }
}

/** @throws Error the answer is not what was wanted: the state to be tested is not reached */
export function must(answer: Answer, wanted: Answer = 'ok'): void {
  if (answer !== wanted) throw new Error(`${answer}, not ${wanted}`);
}

export const octets = (text: string): Uint8Array => new TextEncoder().encode(text);
