import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { SocketModule } from '../../src/api/index.ts';
import { toDuplex } from '../../src/api/node/index.ts';
import { page } from './page.ts';
import { serveTcp } from './serve.ts';
import { type Subject, stats } from './stats.ts';

/** HTTP on port 80: `/` a page that watches the stack, `/stats.json` the same for programs, `/bytes/N` N octets. */
export async function startHttp(module: SocketModule, subject: Subject): Promise<Server> {
  const server = createServer((request, response) => {
    respond(request, response, subject).catch(() => response.destroy()); // the peer has gone
  });
  await serveTcp(module, 80, (socket) => {
    server.emit('connection', toDuplex(socket));
  });
  return server;
}

async function respond(request: IncomingMessage, response: ServerResponse, subject: Subject): Promise<void> {
  response.sendDate = false; // ours comes from the host's own clock, which may be a virtual one
  response.setHeader('Date', subject.wallClock().toUTCString());
  const [path = '/'] = (request.url ?? '/').split('?');
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD');
    return sendText(response, 405, 'text/plain', 'only GET and HEAD are answered here\n');
  }
  if (path === '/') return sendText(response, 200, 'text/html; charset=utf-8', page(stats(subject)));
  if (path === '/stats.json') {
    return sendText(response, 200, 'application/json', `${JSON.stringify(stats(subject), null, 2)}\n`);
  }
  const octets = /^\/bytes\/(\d{1,15})$/.exec(path);
  if (octets === null) return sendText(response, 404, 'text/plain', 'there are /, /stats.json and /bytes/N\n');
  response.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': octets[1] });
  if (request.method === 'HEAD') response.end();
  else await pipeline(Readable.from(pieces(Number(octets[1])), { objectMode: false }), response);
}

function sendText(response: ServerResponse, status: number, type: string, text: string): void {
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(text) });
  response.end(text); // node:http leaves the body out for HEAD
}

/** `octets` octets, of which the one at offset i is i modulo 256. */
function* pieces(octets: number): Generator<Uint8Array> {
  let left = octets;
  for (; left >= piece.length; left -= piece.length) yield piece;
  if (left > 0) yield piece.subarray(0, left);
}

const piece: Uint8Array = Uint8Array.from({ length: 65_536 }, (_, index) => index & 0xff);
