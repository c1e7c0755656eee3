/**
 * What two hosts may do with stream sockets, as simply as can be said: per connection two queues of octets, of which only
 * the lengths are kept, since what stands at each place is known. The stacks are judged by it in commands.ts.
 *
 * A connection may be reset only when somebody has done something that allows it (`mayReset`); until then every octet
 * written must be read, in order, before the end of the stream.
 */
import { constants, createSocketModule, type Socket, type SocketModule } from '../../src/api/index.ts';
import { type LinkSettings, ms, type Pair, pair, seconds } from '../../src/sim/index.ts';
import type { TcpInfo } from '../../src/stack/index.ts';

export type Side = 'client' | 'server';
export const otherSide = (side: Side): Side => (side === 'client' ? 'server' : 'client');

/** Connections that a run may open. The last one is opened by both sides at once. */
export const lanes = 3;
export const together = lanes - 1;
const listenPort = 80;
export const clientPort = (lane: number): number => 5000 + lane;
const serverPort = (lane: number): number => (lane === together ? 6000 : listenPort);

/** One end of a connection as the model sees it. */
export class End {
  isOpen = false;
  written = 0;
  read = 0;
  /** No more is written: shutdown or close. */
  isWriteShut = false;
  isReadShut = false;
  isClosed = false;
  /** A call has told that the connection has failed. */
  hasFailed = false;
  /** The end of the stream has been read. */
  hasEnded = false;

  /** What still comes will not be read: the stack may say so with a reset. */
  get readsNothing(): boolean {
    return this.isClosed || (this.isReadShut && this.isWriteShut);
  }
}

export class Lane {
  readonly ends: Readonly<Record<Side, End>> = { client: new End(), server: new End() };
  isOpening = false;
  /** Something was done that lets a stack reset the connection: text that nobody reads, or an abort. */
  mayReset = false;
  closedAt: number | null = null;
}

export class Model {
  readonly lanes: readonly Lane[] = Array.from({ length: lanes }, () => new Lane());
  /** Seconds without any packet getting through: a stack may give up after a minute or two of them. */
  outage = 0;
}

/** The octet at a place of a stream: other ones in each lane and direction. */
const octetAt = (lane: number, from: Side, place: number): number =>
  (place * 7 + (place >> 8) * 13 + lane * 31 + (from === 'client' ? 0 : 101)) & 255;

export function text(lane: number, from: Side, start: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => octetAt(lane, from, start + index));
}

/** The hosts, and the sockets that belong to the ends of the model. */
export class World {
  readonly pair: Pair;
  readonly modules: Readonly<Record<Side, SocketModule>>;
  readonly sockets: Record<Side, Socket | null>[] = Array.from({ length: lanes }, () => ({
    client: null,
    server: null,
  }));
  readonly listener: Socket;

  private constructor(made: Pair, modules: Record<Side, SocketModule>, listener: Socket) {
    this.pair = made;
    this.modules = modules;
    this.listener = listener;
  }

  static async make(seed: number): Promise<World> {
    const made = pair({ seed, link: { delay: ms(10) } });
    const modules = { client: createSocketModule(made.client), server: createSocketModule(made.server) };
    const listener = nonBlocking(modules.server);
    must(await listener.bind('', listenPort));
    must(listener.listen(lanes));
    return new World(made, modules, listener);
  }

  socket(lane: number, side: Side): Socket {
    return this.sockets[lane]![side]!;
  }

  isOpening(lane: number, side: Side): boolean {
    const { tcpi_state } = this.socket(lane, side).getoption(constants.IPPROTO_TCP, constants.TCP_INFO)[0] as TcpInfo;
    return tcpi_state === 2 || tcpi_state === 3; // SYN-SENT, SYN-RECEIVED as Linux numbers them
  }

  /** A bound socket for one end of a lane. */
  async open(lane: number, side: Side): Promise<Socket> {
    const socket = nonBlocking(this.modules[side]);
    must(await socket.bind('', side === 'client' ? clientPort(lane) : serverPort(lane)));
    this.sockets[lane]![side] = socket;
    return socket;
  }

  connect(lane: number, side: Side): Promise<readonly [true | null, string | null]> {
    const [host, port] = side === 'client' ? ['10.0.0.2', serverPort(lane)] : ['10.0.0.1', clientPort(lane)];
    return this.socket(lane, side).connect(host, port);
  }

  run(duration: number): void {
    this.pair.client.kick();
    this.pair.server.kick();
    this.pair.network.run(duration);
  }

  setLink(settings: LinkSettings): void {
    this.pair.link.forward.settings = settings;
    this.pair.link.backward.settings = settings;
  }
}

function nonBlocking(module: SocketModule): Socket {
  const [socket, error] = module.tcp();
  if (socket === null) throw new Error(error);
  socket.setblocking(false);
  return socket;
}

/** @throws Error a call that cannot fail has failed */
function must<T>([value, error]: readonly [T | null, string | null]): T {
  if (error !== null) throw new Error(`failed: ${error}`);
  return value as T;
}

export const never = (why: string): never => {
  throw new Error(why);
};

export { constants, ms, seconds };
