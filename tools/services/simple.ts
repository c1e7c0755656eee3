import type { Socket, SocketModule } from '../../src/api/index.ts';
import { chunkSize, drain, serveTcp, serveUdp } from './serve.ts';

/** The small services of the early RFCs, on TCP and UDP: echo, discard, daytime, chargen. */
export async function startSimpleServices(module: SocketModule, wallClock: () => Date): Promise<void> {
  await startEcho(module);
  await startDiscard(module);
  await startDaytime(module, wallClock);
  await startChargen(module);
}

/** RFC 862: what comes goes back. */
async function startEcho(module: SocketModule): Promise<void> {
  await serveTcp(module, 7, async (socket) => {
    for (;;) {
      const [data, error] = await socket.read(chunkSize);
      if (error !== null) break;
      const [, writeError] = await socket.write(data);
      if (writeError !== null) break;
    }
    socket.close();
  });
  await serveUdp(module, 7, (data) => data);
}

/** RFC 863: what comes is thrown away. */
async function startDiscard(module: SocketModule): Promise<void> {
  await serveTcp(module, 9, async (socket) => {
    await drain(socket);
    socket.close();
  });
  await serveUdp(module, 9, () => null);
}

/** RFC 867: the date and time in one line, whatever comes. */
async function startDaytime(module: SocketModule, wallClock: () => Date): Promise<void> {
  await serveTcp(module, 13, async (socket) => {
    await socket.write(daytime(wallClock()));
    socket.shutdown(module.SHUT_WR);
    await drain(socket);
    socket.close();
  });
  await serveUdp(module, 13, () => daytime(wallClock()));
}

/** RFC 867's first suggested form: `Tuesday, February 22, 1982 17:37:43-UTC`. */
export function daytime(date: Date): string {
  const day = new Intl.DateTimeFormat('en-US', {
    weekday: 'long',
    month: 'long',
    day: 'numeric',
    year: 'numeric',
    timeZone: 'UTC',
  }).format(date);
  return `${day} ${date.toISOString().slice(11, 19)}-UTC\r\n`;
}

/** RFC 864: characters without end, as fast as the peer's window lets them go; on UDP 0 to 512 of them per datagram. */
async function startChargen(module: SocketModule): Promise<void> {
  await serveTcp(module, 19, async (socket) => {
    void drain(socket);
    await generate(socket);
    socket.close();
  });
  let turn = 0;
  await serveUdp(module, 19, () => {
    turn = (turn + 1) % patternLines;
    return pattern.subarray(turn * lineLength, turn * lineLength + ((turn * 37) % 513));
  });
}

async function generate(socket: Socket): Promise<void> {
  for (;;) {
    const [, error] = await socket.write(pattern);
    if (error !== null) return;
  }
}

/** RFC 864's pattern: 72 of the 95 printing characters per line, each line starting one further. */
const patternLines = 95;
const lineLength = 74;
const pattern: Uint8Array = (() => {
  const printing = Array.from({ length: patternLines }, (_, index) => String.fromCharCode(32 + index)).join('');
  const twice = printing + printing;
  const once = Array.from({ length: patternLines }, (_, line) => `${twice.slice(line, line + 72)}\r\n`).join('');
  return new TextEncoder().encode(once.repeat(9)); // 63 KiB a write
})();
