/**
 * The kernel's programs that talk to a host of ours at 10.85.0.2, and one that it talks to: `clients.ts NAME` runs one and
 * prints what it saw as a line of JSON. It runs in the namespace of the test that started it, where the host is or will be.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, get } from 'node:http';
import { connect, type Socket } from 'node:net';
import { json } from 'node:stream/consumers';
import { octets } from './octets.ts';

const HOST = '10.85.0.2';

const clients: Record<string, () => Promise<unknown>> = {
  async 'udp echo'() {
    const sizes = [0, 1, 1472];
    const right: boolean[] = [];
    for (const size of sizes) {
      const data = octets(size, size);
      right.push((await ask(7, data)).equals(data));
    }
    return { sizes, right };
  },

  async 'udp daytime'() {
    return { text: (await ask(13, Buffer.alloc(0))).toString('latin1') };
  },

  async 'udp chargen'() {
    const texts: string[] = [];
    for (let i = 0; i < 100; i++) texts.push((await ask(19, Buffer.alloc(0))).toString('latin1'));
    return { texts };
  },

  async 'udp to a closed port'() {
    const socket = createSocket('udp4');
    socket.connect(9999, HOST);
    await once(socket, 'connect');
    const start = performance.now();
    socket.send('hello');
    const code = await errorCodeOf(socket);
    socket.close();
    return { code, ms: performance.now() - start };
  },

  async 'tcp to a closed port'() {
    const start = performance.now();
    const code = await errorCodeOf(connect(9999, HOST));
    return { code, ms: performance.now() - start };
  },

  async 'tcp chargen'() {
    const socket = await open(19);
    let text = '';
    for await (const piece of socket) {
      text += (piece as Buffer).toString('latin1');
      if (text.length > 20_000) break; // and hang up in the middle
    }
    return { text: text.slice(0, 20_000) };
  },

  async 'many connections'() {
    const sockets = await Promise.all(Array.from({ length: 200 }, () => open(7)));
    const [response] = await once(get(`http://${HOST}/stats.json`, { agent: false }), 'response');
    const stats = (await json(response)) as { sockets: { state: string; local: string }[] };
    const isOpen = (row: { state: string; local: string }) => row.state === 'ESTABLISHED' && row.local === `${HOST}:7`;
    const right = await Promise.all(
      sockets.map(async (socket, index) => {
        const data = octets(1000 + 100 * index, index);
        socket.end(data);
        return Buffer.concat((await socket.toArray()) as Buffer[]).equals(data);
      }),
    );
    return { established: stats.sockets.filter(isOpen).length, right: right.filter((each) => each).length };
  },

  /** Two connections that wait for nothing: one for echo, one for HTTP that has had an answer. */
  async 'idle clients'() {
    const echo = await open(7);
    const http = await open(80);
    http.write(`GET /bytes/10 HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
    await once(http, 'data');
    const fates = [fateOf(echo), fateOf(http)];
    console.log('idle');
    const [echoFate, httpFate] = await Promise.all(fates);
    return { echo: echoFate, http: httpFate };
  },

  /** A connection that asks for much and stops reading. */
  async 'stalled download'() {
    const socket = await open(80);
    socket.write(`GET /bytes/1000000000 HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
    await once(socket, 'readable');
    socket.on('error', () => {});
    console.log('stalled');
    await new Promise(() => setInterval(() => {}, 1000));
  },

  /** Serves a body of 5,000,011 octets at /body, one that does not end at /endless, and 404 elsewhere. */
  async 'http server'() {
    const server = createServer((request, response) => {
      if (request.url === '/body') response.end(octets(5_000_011, 1));
      else if (request.url === '/endless') response.write('the beginning\n');
      else response.writeHead(404).end('there is no such thing\n');
    });
    server.listen(8080, '0.0.0.0');
    await once(server, 'listening');
    console.log('listening');
    await once(server, 'close');
  },
};

async function open(port: number): Promise<Socket> {
  const socket = connect({ port, host: HOST });
  await once(socket, 'connect');
  return socket;
}

/** Sends a datagram and resolves with the answer, which has five seconds. */
async function ask(port: number, data: Uint8Array): Promise<Buffer> {
  const socket = createSocket('udp4');
  try {
    socket.connect(port, HOST);
    await once(socket, 'connect');
    socket.send(data);
    const [answer] = await once(socket, 'message', { signal: AbortSignal.timeout(5000) });
    return answer as Buffer;
  } finally {
    socket.close();
  }
}

async function errorCodeOf(emitter: NodeJS.EventEmitter): Promise<unknown> {
  const [error] = await once(emitter, 'error', { signal: AbortSignal.timeout(5000) });
  return (error as { code?: unknown }).code;
}

/** How a connection ends: 'end' when the peer ends it in order, the code of an error otherwise. */
async function fateOf(socket: Socket): Promise<unknown> {
  const events: unknown[] = [];
  socket.resume();
  socket.on('end', () => events.push('end'));
  socket.on('error', (error: { code?: unknown }) => events.push(error.code));
  await new Promise((resolve) => socket.on('close', resolve));
  return events;
}

console.log(JSON.stringify(await clients[process.argv[2]!]!()));
