import type { Result, Socket, SocketModule } from '../api/index.ts';
import type { Answer, Call } from './slots.ts';

/** The serving side of the blocking face: does on real sockets what threads ask for. */

/** A socket as it travels: by its number in the table below. */
export interface SocketToken {
  readonly socketToken: number;
}

/** The same as it leaves, with what never changes. */
export interface OpenedSocket extends SocketToken, Pick<Socket, 'type' | 'family'> {}

/** What is left to be asked of a socket that is closed. */
export interface Remains {
  readonly timeout: number;
  readonly lastError: Socket['lastError'];
}

export class Servant {
  /** Closes what is served. */
  onClose: (timeoutMs: number, asker: number) => Promise<void> = async () => {};
  readonly #modules: ReadonlyMap<string, SocketModule>;
  /** The open sockets, both ways. */
  readonly #sockets: Map<number, Socket> = new Map();
  readonly #tokens: Map<Socket, number> = new Map();
  #lastToken = 0;
  #hasToldOfLost = false;

  /** @param modules by the names that callers use */
  constructor(modules: ReadonlyMap<string, SocketModule>) {
    this.#modules = modules;
  }

  /** Does what a call asks for; at once, if it need not wait. What it throws is part of the answer. */
  serve(call: Call, slot: number): Answer | Promise<Answer> {
    try {
      const result = this.#do(call, slot);
      if (!(result instanceof Promise)) return [this.#leaving(result)];
      return result.then((value) => [this.#leaving(value)] as const, refused);
    } catch (error) {
      return refused(error);
    }
  }

  /** Sockets that threads know and have not closed. */
  get openCount(): number {
    return this.#sockets.size;
  }

  #do([target, method, args]: Call, slot: number): unknown {
    if (method === 'close' && typeof target === 'string') return this.onClose(args[0] as number, slot);
    const known = args.map((argument) => this.#arriving(argument));
    if (typeof target === 'string') {
      const module = this.#modules.get(target);
      if (module === undefined) throw new TypeError(`there is no host '${target}'`);
      return (module as unknown as Members)[method]!(...known);
    }
    const socket = this.#sockets.get(target);
    if (socket === undefined) throw new TypeError('there is no such socket');
    if (method === 'lastError') return socket.lastError;
    if (method === 'close') return this.#close(socket, target);
    if (method === 'lose') return this.#lose(socket, target);
    return (socket as unknown as Members)[method]!(...known);
  }

  async #close(socket: Socket, token: number): Promise<Remains> {
    this.#sockets.delete(token);
    this.#tokens.delete(socket);
    await socket.close();
    return { timeout: socket.gettimeout(), lastError: socket.lastError };
  }

  /** Closes a socket that its thread has lost. Returns its number, if that is to be told: of the first one. */
  #lose(socket: Socket, token: number): number | null {
    const number = socket.fileno();
    void this.#close(socket, token);
    if (this.#hasToldOfLost) return null;
    this.#hasToldOfLost = true;
    return number;
  }

  /** Sockets leave as tokens; copies of octets leave as they are. */
  #leaving(value: unknown): unknown {
    if (!Array.isArray(value)) return value;
    return (value as unknown as Result<unknown>).map((each) =>
      isSocket(each) ? this.#opened(each) : this.#leaving(each),
    );
  }

  #opened(socket: Socket): OpenedSocket {
    const socketToken = this.#tokens.get(socket) ?? ++this.#lastToken;
    this.#sockets.set(socketToken, socket);
    this.#tokens.set(socket, socketToken);
    return { socketToken, type: socket.type, family: socket.family };
  }

  #arriving(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((each) => this.#arriving(each));
    if (typeof value !== 'object' || value === null || !('socketToken' in value)) return value;
    return this.#sockets.get((value as SocketToken).socketToken) ?? noDescriptor;
  }
}

function refused(error: unknown): Answer {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  return [message, name];
}

type Members = Record<string, (...values: unknown[]) => unknown>;

/** What select takes a socket for that has been closed. */
const noDescriptor = -1;

const isSocket = (value: unknown): value is Socket =>
  typeof value === 'object' && value !== null && 'fileno' in value && 'getsockname' in value;
