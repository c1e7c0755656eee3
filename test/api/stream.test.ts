/** Sockets as Node streams, over two simulated hosts. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import test from 'ava';
import { createSocketModule } from '../../src/api/index.ts';
import { type SocketStream, toDuplex } from '../../src/api/node/index.ts';
import { type Network, pair } from '../../src/sim/index.ts';
import { ms, seconds } from '../../src/stack/index.ts';

const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Both ends of a connection as streams. */
async function streams(): Promise<{ network: Network; here: SocketStream; there: SocketStream }> {
  const { network, client, server } = pair({ link: { delay: ms(10) }, breathe });
  const [listener] = createSocketModule(server).tcp();
  await listener!.bind('', 80);
  listener!.listen(5);
  const [socket] = createSocketModule(client).tcp();
  await network.until(socket!.connect('10.0.0.2', 80));
  const [peer] = await network.until(listener!.accept());
  return { network, here: toDuplex(socket!), there: toDuplex(peer!) };
}

/** What comes until the end. (`stream/consumers` would destroy the other direction too.) */
async function allOf(stream: SocketStream): Promise<string> {
  let all = '';
  stream.setEncoding('utf8').on('data', (piece) => {
    all += piece;
  });
  await once(stream, 'end');
  return all;
}

test('a stream says who its ends are, carries text both ways, and ends in order', async (t) => {
  const { network, here, there } = await streams();
  here.end('question');
  const question = await network.until(allOf(there));
  there.end('answer');
  const answer = await network.until(allOf(here));

  t.is(question, 'question');
  t.is(answer, 'answer');
  t.is(here.remoteAddress, '10.0.0.2');
  t.is(here.remotePort, 80);
  t.is(there.remotePort, here.localPort);
  await network.until(breathe());
  t.true(here.destroyed && there.destroyed);
});

test('a slow reader holds the writer back: what is in memory stays bounded', async (t) => {
  const { network, here, there } = await streams();
  const piece = Buffer.alloc(65_536, 1);
  let accepted = 0;
  const writing = (async () => {
    while (accepted++ < 100) if (!here.write(piece)) await once(here, 'drain');
    here.end();
  })();
  await network.until(network.sleep(seconds(60)));
  const isHeldBack = accepted < 40;

  t.true(isHeldBack);
  const all = await network.until(buffer(there));
  await network.until(writing);
  t.is(all.length, 100 * piece.length);
});

test('a reset destroys the stream with an error that has a code', async (t) => {
  const { network, here, there } = await streams();
  const failed = once(here, 'error');
  here.resume();
  here.write('never read');
  await network.until(network.sleep(seconds(1)));
  there.destroy();
  const [error] = (await network.until(failed)) as [Error & { code: string; syscall: string }];

  t.is(error.code, 'ECONNRESET');
  t.is(error.syscall, 'read');
  t.is(error.message, 'read ECONNRESET: Connection reset by peer');
});

test('setTimeout tells of idleness in virtual time, counted from the last octet', async (t) => {
  const { network, here, there } = await streams();
  const start = network.now;
  here.setTimeout(3000);
  const idle = once(here, 'timeout').then(() => network.now);
  network.at(start + seconds(2), () => there.write('x'));
  here.resume();

  t.is(((await network.until(idle)) - start) / ms(1), 5010);
  here.setTimeout(1000);
  here.setTimeout(0);
  here.on('timeout', () => t.fail());
  await network.until(network.sleep(seconds(10)));
});

test('node:http serves and fetches over it: several requests on one connection, and a megabyte', async (t) => {
  const { network, here, there } = await streams();
  const big = Buffer.from(Array.from({ length: 1_000_000 }, (_, index) => index % 251));
  const server = createServer((incoming, response) =>
    response.end(incoming.url === '/big' ? big : `at ${incoming.url}`),
  );
  server.emit('connection', there);
  t.teardown(() => server.close());
  const fetchBody = async (path: string): Promise<Buffer> => {
    const headers = { Connection: 'keep-alive' };
    const asking = request({ path, headers, createConnection: () => here });
    asking.end();
    const [response] = (await once(asking, 'response')) as [IncomingMessage];
    return buffer(response);
  };

  t.is(String(await network.until(fetchBody('/one'))), 'at /one');
  t.is(String(await network.until(fetchBody('/two'))), 'at /two');
  t.is(Buffer.compare(await network.until(fetchBody('/big')), big), 0);
});
