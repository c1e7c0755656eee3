/** Decision 5 of the API: arguments of wrong types throw a TypeError that names the argument, and nothing has been touched. */
import test from 'ava';
import { createSocketModule, type Socket } from '../../src/api/index.ts';
import { pair } from '../../src/sim/index.ts';

function stage() {
  const { network, client, server } = pair();
  const [here, there] = [createSocketModule(client, { services: { own: 53 } }), createSocketModule(server)];
  return { network, here, there, socket: here.tcp()[0]!, datagrams: here.udp()[0]! };
}

const { here, socket, datagrams } = stage();

/** What no signature lets through. */
const wrong = (value: unknown): never => value as never;

/** Octets whose memory somebody else has now. */
function detached(): Uint8Array {
  const octets = new Uint8Array(8);
  structuredClone(octets.buffer, { transfer: [octets.buffer] });
  return octets;
}

type Row = readonly [call: string, argument: RegExp, run: () => unknown];

const notNumbers = [
  ['a string', '5'],
  ['undefined', undefined],
  ['null', null],
  ['NaN', Number.NaN],
  ['{}', {}],
] as const;

/** Calls with something in the place of a number. */
const inPlaceOfNumbers: readonly [call: string, argument: RegExp, run: (value: never) => unknown][] = [
  ['1.2: socket, family', /family/, (value) => here.socket(value, 1)],
  ['1.2: socket, type', /type/, (value) => here.socket(2, value)],
  ['1.6: listen', /backlog/, (value) => socket.listen(value)],
  ['1.9: shutdown', /how/, (value) => socket.shutdown(value)],
  ['1.13: setoption, level', /level/, (value) => socket.setoption(value, 1, 1)],
  ['1.13: setoption, name', /optname/, (value) => socket.setoption(1, value, 1)],
  ['1.13: getoption, level', /level/, (value) => socket.getoption(value, 1)],
  ['1.13: getoption, name', /optname/, (value) => socket.getoption(1, value)],
  ['1.10: settimeout', /timeout/, (value) => socket.settimeout(value)],
  ['1.10: setblocking', /block/, (value) => socket.setblocking(value)],
  ['1.8: read', /maxsize/, (value) => socket.read(value)],
  ['1.8: recv', /maxsize/, (value) => socket.recv(value, 0)],
  ['1.8: recvfrom', /maxsize/, (value) => datagrams.recvfrom(value)],
];

/** The same where a value may be left out. */
const inPlaceOfOptional: typeof inPlaceOfNumbers = [
  ['1.2: socket, protocol', /protocol/, (value) => here.socket(2, 1, value)],
  ['1.3: tcp', /family/, (value) => here.tcp(value)],
  ['1.3: udp', /family/, (value) => here.udp(value)],
  ['1.11: getaddrinfo, family', /family/, (value) => here.getaddrinfo('10.0.0.2', 80, value)],
  ['1.11: getaddrinfo, socktype', /socktype/, (value) => here.getaddrinfo('10.0.0.2', 80, 0, value)],
  ['1.11: getaddrinfo, protocol', /protocol/, (value) => here.getaddrinfo('10.0.0.2', 80, 0, 0, value)],
  ['1.11: getaddrinfo, flags', /flags/, (value) => here.getaddrinfo('10.0.0.2', 80, 0, 0, 0, value)],
  ['1.12: select, timeout', /timeout/, (value) => here.select(null, null, null, value)],
  ['1.8: recv, flags', /flags/, (value) => socket.recv(1, value)],
  ['1.7: send, flags', /flags/, (value) => socket.send('x', value)],
  ['1.8: recvInto, flags', /flags/, (value) => socket.recvInto(new Uint8Array(4), value)],
  ['1.8: recvfrom, flags', /flags/, (value) => datagrams.recvfrom(4, value)],
  ['1.7: sendto, flags', /flags/, (value) => datagrams.sendto('x', '10.0.0.2', 7, 0, 0, value)],
  ['1.4: connect, scope', /scopeid/, (value) => socket.connect('fe80::1', 7, 0, value)],
  ['1.4: bind, scope', /scopeid/, (value) => socket.bind('fe80::1', 7, 0, value)],
];

const rows: readonly Row[] = [
  ...inPlaceOfNumbers.flatMap(([call, argument, run]) =>
    notNumbers.map(([what, value]): Row => [`${call}: ${what}`, argument, () => run(wrong(value))]),
  ),
  ...inPlaceOfOptional.flatMap(([call, argument, run]) =>
    notNumbers
      .filter(([, value]) => value !== undefined)
      .map(([what, value]): Row => [`${call}: ${what}`, argument, () => run(wrong(value))]),
  ),
  ...[undefined, null, () => {}, 1n, Symbol('value')].map(
    (value): Row => [`1.13: setoption, value: ${String(value)}`, /value/, () => socket.setoption(1, 1, wrong(value))],
  ),
  ...['x', 5, {}, ['x'], [{}], [null]].map(
    (value): Row => [`1.12: select: ${JSON.stringify(value)}`, /readers/, () => here.select(wrong(value))],
  ),
  ['1.12: select, the second list', /writers/, () => here.select(null, wrong('x'))],
  ['1.12: select, the third list', /others/, () => here.select(null, null, wrong([true]))],
  ['1.11: getaddrinfo, host: {}', /host/, () => here.getaddrinfo(wrong({}), 80)],
  ['1.11: getaddrinfo, host: true', /host/, () => here.getaddrinfo(wrong(true), 80)],
  ...[undefined, true, {}].map(
    (value): Row => [`1.4: connect, host: ${value}`, /host/, () => socket.connect(wrong(value), 80)],
  ),
  ...[null, true, {}].map((value): Row => [`1.4: bind, port: ${value}`, /port/, () => socket.bind('', wrong(value))]),
  ...[5, null, undefined, [1], new ArrayBuffer(4)].flatMap((value): Row[] => [
    [`1.7: write: ${value}`, /data/, () => socket.write(wrong(value))],
    [`1.7: send: ${value}`, /data/, () => socket.send(wrong(value), 0)],
    [`1.7: sendto: ${value}`, /data/, () => datagrams.sendto(wrong(value), '10.0.0.2', 7)],
    [`1.8: recvInto: ${value}`, /buffer/, () => socket.recvInto(wrong(value))],
  ]),
  ['1.7: write of memory that is gone', /data/, () => socket.write(detached())],
  ['1.7: send of memory that is gone', /data/, () => socket.send(detached(), 0)],
  ['1.7: sendto of memory that is gone', /data/, () => datagrams.sendto(detached(), '10.0.0.2', 7)],
  ['1.7: sendto on a stream, of memory that is gone', /data/, () => socket.sendto(detached(), '10.0.0.2', 7)],
  [
    '1.7: sendto with MSG_FASTOPEN, of memory that is gone',
    /data/,
    () => socket.sendto(detached(), '10.0.0.2', 7, 0, 0, here.MSG_FASTOPEN),
  ],
  ['1.8: recvInto memory that is gone', /buffer/, () => socket.recvInto(detached())],
];

for (const [call, argument, run] of rows) {
  test(`${call} is a TypeError that names the argument`, async (t) => {
    await t.throwsAsync(async () => run(), { instanceOf: TypeError, message: argument });
  });
}

test('1.1: after all of these the sockets are as they were', async (t) => {
  const { network, here, socket } = stage();
  for (const [, , run] of rows) await t.throwsAsync(async () => run());

  t.is(network.now, 0);
  t.deepEqual(socket.getsockname(), [['0.0.0.0', 0], null]);
  t.is(socket.gettimeout(), -1);
  t.deepEqual(socket.getoption(here.IPPROTO_TCP, here.TCP_FASTOPEN_CONNECT), [false, null]);
});

test('1.10: setblocking takes booleans and numbers', (t) => {
  const { socket } = stage();
  const after = [false, true, 0, 1].map((value) => {
    socket.setblocking(value);
    return socket.gettimeout();
  });

  t.deepEqual(after, [0, -1, 0, -1]);
});

test('1.11: a port of another type is an error that getaddrinfo returns, with the text of the original', async (t) => {
  for (const port of [true, {}, [80], () => 80])
    t.deepEqual(await here.getaddrinfo('10.0.0.2', wrong(port)), [null, 'port argument expect string/number/nil']);
});

for (const port of [' 53', '+53', ' +53', '\t053', 'own', 53, '-0']) {
  test(`1.4: the port ${JSON.stringify(port)} is the same to connect, bind, sendto and getaddrinfo`, async (t) => {
    const { network, here } = stage();
    const wanted = port === '-0' ? 0 : 53;
    const [infos] = await here.getaddrinfo('10.0.0.2', port, here.AF_INET, here.SOCK_DGRAM);
    const [bound, connected] = [here.udp()[0]!, here.udp()[0]!];

    t.is(infos![0]!.port, wanted);
    t.deepEqual(await bound.bind('', port), [true, null]);
    if (wanted === 0) return;
    t.deepEqual(bound.getsockname(), [['0.0.0.0', 53], null]);
    t.deepEqual(await connected.connect('127.0.0.1', port), [true, null]);
    t.deepEqual(connected.getpeername(), [['127.0.0.1', 53], null]);
    await connected.sendto('x', '127.0.0.1', port);
    t.deepEqual((await network.until(bound.read(10)))[0], Uint8Array.of(120));
  });
}

test('1.8: a buffer that is transferred away while it waits is a TypeError, not the end of the stream', async (t) => {
  const { network, here, there } = stage();
  const [listener] = there.tcp();
  await listener!.bind('', 7);
  listener!.listen(1);
  const [client]: [Socket | null, ...unknown[]] = [here.tcp()[0]];
  await network.until(client!.connect('10.0.0.2', 7));
  const [server] = await network.until(listener!.accept());
  const buffer = new Uint8Array(8);
  const reading = client!.recvInto(buffer);
  structuredClone(buffer.buffer, { transfer: [buffer.buffer] });
  await server!.write('text');

  await t.throwsAsync(network.until(reading), { instanceOf: TypeError, message: /buffer/ });
  t.deepEqual(await network.until(client!.read(10)), [new TextEncoder().encode('text'), null]);
});
