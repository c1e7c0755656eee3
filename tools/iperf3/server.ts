import type { Socket, SocketModule } from '../../src/api/index.ts';
import { plainName } from './counts.ts';
import { Control, denyAccess, ProtocolError, readCookie } from './protocol.ts';
import { type ServerOptions, Session } from './session.ts';

/**
 * The server of iperf3: one client at a time, one after another; whoever comes meanwhile is told to try again later. What
 * happens with a client is in session.ts.
 */

interface Client {
  readonly control: Control;
  readonly cookie: string;
}

/** Serves until the signal, or the first client with `isOneOff`. Resolves with whether all was well. */
export async function runServer(module: SocketModule, options: ServerOptions): Promise<boolean> {
  const server = new Server(module, options);
  return server.serve();
}

class Server {
  readonly #module: SocketModule;
  readonly #options: ServerOptions;
  #session: Session | null = null;
  /** Connections that have not said yet what they are for. */
  #strangers = 0;
  #onClient: ((client: Client | null) => void) | null = null;
  #wasInterrupted = false;

  constructor(module: SocketModule, options: ServerOptions) {
    this.#module = module;
    this.#options = options;
  }

  async serve(): Promise<boolean> {
    const { port, reporter, signal, isOneOff } = this.#options;
    const listener = await this.#listen();
    if (typeof listener === 'string') {
      reporter.failed(`unable to start listener for connections: ${listener}`, false);
      reporter.finish();
      return false;
    }
    void this.#acceptAll(listener);
    signal.addEventListener('abort', () => this.#onClient?.(null), { once: true });
    for (let test = 1; !signal.aborted; test++) {
      reporter.listening(port, test);
      const client = await this.#nextClient();
      if (client === null) break;
      const isFine = await this.#serve(client.control, client.cookie, listener);
      reporter.finish();
      if (isOneOff && !signal.aborted) {
        await listener.close();
        return isFine;
      }
    }
    await listener.close();
    if (!this.#wasInterrupted) {
      reporter.failed('interrupt - the server has terminated', true);
      reporter.finish();
    }
    return false;
  }

  async #listen(): Promise<Socket | string> {
    const { family, port } = this.#options;
    const { AF_INET, AF_INET6, SOCK_STREAM, SOL_SOCKET, SO_REUSEADDR, IPPROTO_IPV6, IPV6_V6ONLY } = this.#module;
    const [listener, refused] = this.#module.socket(family === 4 ? AF_INET : AF_INET6, SOCK_STREAM);
    if (refused !== null) return refused;
    listener.setoption(SOL_SOCKET, SO_REUSEADDR, true);
    if (family === 6) listener.setoption(IPPROTO_IPV6, IPV6_V6ONLY, true);
    const [, taken] = await listener.bind('', port);
    const [, error] = taken === null ? listener.listen(this.#module.SOMAXCONN) : [null, taken];
    if (error === null) return listener;
    void listener.close();
    return error;
  }

  async #acceptAll(listener: Socket): Promise<void> {
    for (;;) {
      const [socket, error] = await listener.accept();
      if (listener.fileno() < 0) return;
      if (error === null) void this.#greet(socket);
    }
  }

  /** Null when the signal comes first. */
  #nextClient(): Promise<Client | null> {
    return new Promise((resolve) => {
      this.#onClient = resolve;
    });
  }

  /** A connection is a client, one of the streams that the present client has announced, or one too many. */
  async #greet(socket: Socket): Promise<void> {
    const isBusy = this.#onClient === null && this.#session?.expectsStreams !== true;
    if (isBusy || this.#strangers >= mostStrangers) return denyAccess(socket, this.#module);
    this.#strangers++;
    const cookie = await readCookie(socket, cookiePatience);
    this.#strangers--;
    if (cookie === null) return socket.close();
    if (this.#session?.takeStream(socket, cookie) === true) return;
    const onClient = this.#onClient;
    if (onClient === null) return denyAccess(socket, this.#module);
    this.#onClient = null;
    onClient({ control: new Control(this.#module, socket), cookie });
  }

  /** One test. Resolves with whether it came to its end. */
  async #serve(control: Control, cookie: string, listener: Socket): Promise<boolean> {
    const { reporter } = this.#options;
    const peer = plainName(control.socket.getpeername()[0]);
    const session = new Session({ ...this.#options, module: this.#module, control, cookie, listener, peer });
    this.#session = session;
    try {
      await session.run();
      return true;
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#wasInterrupted = this.#options.signal.aborted;
      reporter.failed(error.message, error.isEnding);
      return false;
    } finally {
      session.close();
      this.#session = null;
    }
  }
}

/** Seconds that a connection may take to say what it is for, and how many may be silent at the same time. */
const cookiePatience = 10;
const mostStrangers = 256;
