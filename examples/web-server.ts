/** Node's own HTTP server and client over two stacks in memory: `npx tsx examples/web-server.ts` */
import { createServer, get } from 'node:http';
import { text } from 'node:stream/consumers';
import { createSocketModule } from '../src/api/index.ts';
import { toDuplex } from '../src/api/node/index.ts';
import { ms, pair } from '../src/sim/index.ts';

const turn = () => new Promise<void>((resolve) => setImmediate(resolve)); // Node's streams need turns of the event loop
const { network, client, server } = pair({ link: { delay: ms(5) }, breathe: turn });

const web = createServer((request, response) => response.end(`you asked for ${request.url}\n`));
const [listener] = createSocketModule(server).tcp();
await listener?.bind('', 80);
listener?.listen(10);
listener?.accept().then(([socket]) => socket && web.emit('connection', toDuplex(socket)));

const [socket] = createSocketModule(client).tcp();
await network.until(socket!.connect('10.0.0.2', 80));
const answer = new Promise<string>((resolve, reject) => {
  get({ host: '10.0.0.2', path: '/tundra', createConnection: () => toDuplex(socket!) }, (response) =>
    text(response).then(resolve, reject),
  ).on('error', reject);
});
console.log(await network.until(answer), `after ${network.now / ms(1)} ms`);
