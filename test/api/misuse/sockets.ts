/** Sockets that do not wait, ours or the kernel's, with the same calls: whatever is asked, the answer is a word. */
import { getSystemErrorName } from 'node:util';

/** 'ok', what the call returned, or the name of its error. */
export type Answer = string;

export interface TestSocket {
  bind(host: string, port: number): Promise<Answer>;
  listen(backlog: number): Promise<Answer>;
  accept(): Promise<{ readonly answer: Answer; readonly socket: TestSocket | null }>;
  connect(host: string, port: number): Promise<Answer>;
  /** Sends so many octets. */
  send(octets: number): Promise<Answer>;
  sendto(octets: number, host: string, port: number): Promise<Answer>;
  /** 'EOF' at the end of a stream, or '3B' for three octets. */
  recv(): Promise<Answer>;
  /** 0 reading, 1 writing, 2 both. */
  shutdown(how: 0 | 1 | 2): Promise<Answer>;
  getsockname(): { readonly answer: Answer; readonly port: number };
  getpeername(): { readonly answer: Answer; readonly port: number };
  setoption(level: number, name: number, value: number | string): Answer;
  /** A number, or an error. */
  getoption(level: number, name: number): Answer;
  /** TCP_INFO's first octet. */
  tcpState(): number;
  /** Does poll(2) tell of something to read? */
  isReadable(): boolean;
  /** And of an error? */
  hasError(): boolean;
  close(): Promise<void>;
  /** SO_LINGER of no time, and close: the peer sees a reset. */
  reset(): Promise<void>;
}

export interface SocketKind {
  readonly family: 4 | 6;
  readonly type: 'stream' | 'dgram';
  readonly protocol?: number;
}

/** Somewhere to have sockets, whose peers are on another host, or on this one. */
export interface World {
  /** The address of the peers. */
  readonly far: string;
  /** The address of the socket under test. */
  readonly near: string;
  /** An address on the way by the default route that answers nothing. */
  readonly silent: string;
  open(where: 'near' | 'far', kind: SocketKind): { readonly answer: Answer; readonly socket: TestSocket | null };
  /** Lets things happen until it is so. @throws Error it does not come to that */
  until(isSo: () => boolean | Promise<boolean>): Promise<void>;
  /** Messages of ICMP that have come to the near host. */
  icmpMessages(): number;
}

/** SO_ERROR in words; Linux has one number for ENOTSUP and EOPNOTSUPP. */
export function nameOfErrno(errno: number): Answer {
  if (errno === 0) return '0';
  const name = getSystemErrorName(-errno);
  return name === 'ENOTSUP' ? 'EOPNOTSUPP' : name;
}

/** @throws Error the answer is not what was wanted: the state to be tested is not reached */
export function must(answer: Answer, wanted: Answer = 'ok'): void {
  if (answer !== wanted) throw new Error(`${answer}, not ${wanted}`);
}

export function open(world: World, where: 'near' | 'far', type: SocketKind['type'], family: 4 | 6 = 4): TestSocket {
  const { answer, socket } = world.open(where, { type, family });
  must(answer);
  return socket!;
}

export const portOf = (socket: TestSocket): number => {
  const { answer, port } = socket.getsockname();
  must(answer);
  return port;
};

/** A port on which somebody listens, or has bound a datagram socket. */
export async function livePort(world: World, type: SocketKind['type'] = 'stream'): Promise<number> {
  const socket = open(world, 'far', type);
  must(await socket.bind(world.far, 0));
  if (type === 'stream') must(await socket.listen(8));
  return portOf(socket);
}

/** A port that nobody has. */
export async function freePort(
  world: World,
  where: 'near' | 'far',
  type: SocketKind['type'] = 'stream',
): Promise<number> {
  const socket = open(world, where, type);
  must(await socket.bind(world[where], 0));
  const port = portOf(socket);
  await socket.close();
  return port;
}

// TCP_INFO's names of states (tcp_states.h).
export const ESTABLISHED = 1;
export const SYN_SENT = 2;
export const FIN_WAIT_2 = 5;
export const TIME_WAIT = 6;
export const CLOSE = 7;
export const CLOSE_WAIT = 8;
export const LISTEN = 10;

export const SOL_SOCKET = 1;
export const SO_ERROR = 4;
export const IPPROTO_TCP = 6;
export const TCP_NODELAY = 1;
