import type { Result, Socket, SocketModule } from '../api/index.ts';
import type { Answer, Call, Counter } from './slots.ts';

/** The serving side of the blocking face: does on real sockets what threads ask for. */

/** A socket as it travels: by its number in the table below. */
export interface SocketToken {
  readonly socketToken: number;
}

/** Members that are asked for as they are, not called. */
const properties = new Set(['lastError', 'type', 'family']);

export class Servant {
  /** Closes what is served. */
  onClose: (timeoutMs: number, asker: number) => Promise<void> = async () => {};
  readonly #modules: ReadonlyMap<string, SocketModule>;
  readonly #sockets: Map<number, Socket> = new Map();
  #lastToken = 0;

  /** @param modules by the names that callers use */
  constructor(modules: ReadonlyMap<string, SocketModule>) {
    this.#modules = modules;
  }

  async run(counter: Counter, looked?: () => void): Promise<void> {
    await counter.run((call, slot) => this.#serve(call, slot), looked);
  }

  async #serve(call: Call, slot: number): Promise<Answer> {
    try {
      return { value: this.#token(await this.#do(call, slot)) };
    } catch (error) {
      const { name, message } = error instanceof Error ? error : new Error(String(error));
      return { thrown: message, name };
    }
  }

  #do({ target, method, args }: Call, slot: number): unknown {
    if (method === 'close' && typeof target === 'string') return this.onClose(args[0] as number, slot);
    const known = args.map((argument) => this.#untoken(argument));
    if (typeof target === 'string') {
      const module = this.#modules.get(target);
      if (module === undefined) throw new TypeError(`there is no host '${target}'`);
      if (method === 'constants') return Object.fromEntries(Object.entries(module).filter(isConstant));
      return (module as unknown as Record<string, (...values: unknown[]) => unknown>)[method]!(...known);
    }
    const socket = this.#sockets.get(target);
    if (socket === undefined) throw new TypeError('there is no such socket');
    if (properties.has(method)) return (socket as unknown as Record<string, unknown>)[method];
    return (socket as unknown as Record<string, (...values: unknown[]) => unknown>)[method]!(...known);
  }

  /** Sockets leave as tokens; copies of octets leave as they are. */
  #token(value: unknown): unknown {
    if (!Array.isArray(value)) return value;
    return (value as unknown as Result<unknown>).map((each) =>
      isSocket(each) ? this.#tokenOf(each) : this.#token(each),
    );
  }

  #tokenOf(socket: Socket): SocketToken {
    for (const [token, known] of this.#sockets) if (known === socket) return { socketToken: token };
    this.#sockets.set(++this.#lastToken, socket);
    return { socketToken: this.#lastToken };
  }

  #untoken(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((each) => this.#untoken(each));
    if (typeof value !== 'object' || value === null || !('socketToken' in value)) return value;
    return this.#sockets.get((value as SocketToken).socketToken);
  }
}

const isConstant = ([, value]: readonly [string, unknown]): boolean => typeof value !== 'function';

const isSocket = (value: unknown): value is Socket =>
  typeof value === 'object' && value !== null && 'fileno' in value && 'getsockname' in value;
