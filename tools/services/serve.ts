import type { Socket, SocketModule } from '../../src/api/index.ts';

/** Listens on a TCP port and gives every connection to `serve`, which owns it. @throws Error the port cannot be had */
export async function serveTcp(
  module: SocketModule,
  port: number,
  serve: (socket: Socket) => Promise<void> | void,
): Promise<void> {
  const listener = orThrow(module.socket(module.AF_INET6, module.SOCK_STREAM), 'socket'); // IPv4 as well: RFC 3493 section 3.7
  orThrow(await listener.bind('', port), `bind to TCP port ${port}`);
  orThrow(listener.listen(module.SOMAXCONN), `listen on TCP port ${port}`);
  void (async () => {
    for (;;) {
      const [socket, error] = await listener.accept();
      if (error !== null) return; // closed
      void serve(socket);
    }
  })();
}

/** Calls `answer` with every datagram that comes to a UDP port; what it returns goes back, null nothing. */
export async function serveUdp(
  module: SocketModule,
  port: number,
  answer: (data: Uint8Array) => Uint8Array | string | null,
): Promise<void> {
  const socket = orThrow(module.socket(module.AF_INET6, module.SOCK_DGRAM), 'socket');
  orThrow(await socket.bind('', port), `bind to UDP port ${port}`);
  void (async () => {
    for (;;) {
      const [datagram, error] = await socket.recvfrom(65_535);
      if (error !== null) {
        if (socket.fileno() < 0) return;
        continue; // an ICMP error about an earlier answer
      }
      const [host, peerPort] = datagram.address;
      if (answeringPorts.has(peerPort)) continue; // two such services would talk to each other for ever
      const reply = answer(datagram.data);
      if (reply !== null) await socket.sendto(reply, host, peerPort);
    }
  })();
}

/** Takes what comes and forgets it, until the peer ends or the connection fails. */
export async function drain(socket: Socket): Promise<void> {
  for (;;) {
    const [, error] = await socket.recvInto(waste);
    if (error !== null) return;
  }
}
/** The value of a result. @throws Error what failed, and why */
export function orThrow<T>([value, error]: readonly [T | null, string | null, ...unknown[]], what: string): T {
  if (error !== null) throw new Error(`${what}: ${error}`);
  return value as T;
}

export const chunkSize = 65_536;

/** What was drained goes here. Nobody looks at it, so all connections share it. */
const waste = new Uint8Array(4 * chunkSize);

/** Services that answer whatever they get: echo, daytime, quote of the day, chargen. */
const answeringPorts: ReadonlySet<number> = new Set([7, 13, 17, 19]);
