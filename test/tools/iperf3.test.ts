/** `iperf3` of ours against ours in virtual time: what both sides tell, and what they make of peers that misbehave. */
import test, { type ExecutionContext } from 'ava';
import type { Socket } from '../../src/api/index.ts';
import { ms, seconds } from '../../src/sim/index.ts';
import { tcpCalls } from '../../src/stack/index.ts';
import { Stage, serverAddress, usual } from '../helpers/iperf3.ts';

/** The numbers of the last line that matches, as [start, end, transfer, rate]: octets and bits per second. */
function summary(t: ExecutionContext, lines: readonly string[], who: string) {
  const line = lines.findLast((each) => each.endsWith(who)) ?? t.fail(`no line of the ${who}`) ?? '';
  const [, start, end, transfer, unit, rate, rateUnit] =
    /\] +([\d.]+)-([\d.]+) +sec +([\d.]+) ([KMG]?)Bytes +([\d.]+) ([KMG]?)bits\/sec/.exec(line) ?? [];
  const factor = (base: number, letter = ''): number => base ** ' KMG'.indexOf(letter || ' ');
  return {
    line,
    start: Number(start),
    end: Number(end),
    octets: Number(transfer) * factor(1024, unit),
    rate: Number(rate) * factor(1000, rateUnit),
  };
}

const near = (t: ExecutionContext, value: number, wanted: number, tolerance: number): void => {
  t.true(Math.abs(value - wanted) <= wanted * tolerance, `${value}, not ${wanted}`);
};

test('a client and a server print the lines of iperf3', async (t) => {
  const stage = new Stage();

  const { isFine, client, server } = await stage.play({ seconds: 2 });

  t.true(isFine);
  t.deepEqual([client.complaints, server.complaints], [[], []]);
  const patterns = [
    /^Connecting to host 10\.0\.0\.2, port 5201$/,
    /^\[ {2}4\] local 10\.0\.0\.1 port \d+ connected to 10\.0\.0\.2 port 5201$/,
    /^\[ ID\] Interval {11}Transfer {5}Bitrate {9}Retr {2}Cwnd$/,
    /^\[ {2}4\] {3}0\.00-1\.00 {3}sec {2}[\d. ]{4} [KM]Bytes {2}[\d.]{4} Mbits\/sec +\d+ +[\d.]+ [KM]Bytes {7}$/,
    /^\[ {2}4\] {3}1\.00-2\.00 {3}sec {2}[\d. ]{4} [KM]Bytes {2}[\d.]{4} Mbits\/sec +\d+ +[\d.]+ [KM]Bytes {7}$/,
    /^(- ){24}-$/,
    /^\[ ID\] Interval {11}Transfer {5}Bitrate {9}Retr$/,
    /^\[ {2}4\] {3}0\.00-2\.00 {3}sec {2}[\d. ]{4} [KM]Bytes {2}[\d.]{4} Mbits\/sec +\d+ {13}sender$/,
    /^\[ {2}4\] {3}0\.00-2\.\d\d {3}sec {2}[\d. ]{4} [KM]Bytes {2}[\d.]{4} Mbits\/sec {18}receiver$/,
    /^$/,
    /^iperf Done\.$/,
  ];
  t.is(client.lines.length, patterns.length, client.text);
  for (const [index, pattern] of patterns.entries()) t.regex(client.lines[index]!, pattern);
  t.deepEqual(server.lines.slice(0, 3), ['-'.repeat(59), 'Server listening on 5201 (test #1)', '-'.repeat(59)]);
  t.regex(server.lines[3]!, /^Accepted connection from 10\.0\.0\.1, port \d+$/);
  t.regex(server.lines[4]!, /^\[ {2}5\] local 10\.0\.0\.2 port 5201 connected to 10\.0\.0\.1 port \d+$/);
  t.is(server.lines.filter((line) => line.endsWith('receiver')).length, 1);
  t.is(server.lines.at(-2), 'Server listening on 5201 (test #2)');
});

for (const direction of ['forward', 'reverse'] as const) {
  test(`TCP ${direction} tells the rate of the link, less the headers`, async (t) => {
    const stage = new Stage();

    const { isFine, client } = await stage.play({ seconds: 3, direction, omit: 1 });

    t.true(isFine);
    const { rate, octets, end } = summary(t, client.lines, 'receiver');
    near(t, rate, 4e6 * (1448 / 1500), 0.02);
    near(t, octets, (rate / 8) * end, 0.02);
    t.is(client.lines.filter((line) => line.endsWith('(omitted)')).length, 1);
  });
}

test('parallel streams have lines of their own, and one for all', async (t) => {
  const stage = new Stage();

  const { isFine, client, server } = await stage.play({ seconds: 2, parallel: 3 });

  t.true(isFine);
  const starts = (lines: readonly string[]) =>
    lines.filter((line) => /-\d\.\d\d +sec/.test(line)).map((line) => line.slice(0, 5));
  const group = ['[  4]', '[  5]', '[  6]', '[SUM]'];
  const twice = ['[  4]', '[  4]', '[  5]', '[  5]', '[  6]', '[  6]', '[SUM]', '[SUM]'];
  t.deepEqual(starts(client.lines), [...group, ...group, ...twice]);
  near(t, summary(t, client.lines, 'receiver').rate, 4e6 * (1448 / 1500), 0.1);
  t.is(server.lines.filter((line) => line.startsWith('[SUM]') && line.endsWith('receiver')).length, 1);
});

test('with both directions each has its role', async (t) => {
  const stage = new Stage();

  const { isFine, client, server } = await stage.play({ direction: 'both', parallel: 2 });

  t.true(isFine);
  for (const role of ['[  4][TX-C]', '[  5][TX-C]', '[SUM][TX-C]', '[  6][RX-C]', '[  7][RX-C]', '[SUM][RX-C]']) {
    t.is(client.lines.filter((line) => line.startsWith(role) && /(sender|receiver)$/.test(line)).length, 2, role);
  }
  t.true(server.lines.some((line) => line.startsWith('[SUM][RX-S]')));
  t.true(server.lines.some((line) => line.startsWith('[SUM][TX-S]')));
});

test('a number of octets ends the test, at the end of the block that reaches it', async (t) => {
  const stage = new Stage({ isJson: true });

  const { isFine, client } = await stage.play({ seconds: 0, octets: 1_000_001, length: 10_000 });

  t.true(isFine);
  const { end } = JSON.parse(client.text) as { end: { sum_sent: { bytes: number } } };
  t.true(end.sum_sent.bytes >= 1_000_001 && end.sum_sent.bytes < 1_011_000, `${end.sum_sent.bytes}`);
});

test('a number of blocks ends the test, also of datagrams that the server sends', async (t) => {
  const stage = new Stage({ isJson: true });
  const settings = { protocol: 'udp', direction: 'reverse', seconds: 0, blocks: 25, length: 1000, rate: 1e6 } as const;

  const { isFine, client } = await stage.play(settings);

  t.true(isFine);
  const { end } = JSON.parse(client.text) as { end: { sum_received: { packets: number } } };
  t.is(end.sum_received.packets, 25);
});

test('datagrams leave at the rate that was asked for', async (t) => {
  const stage = new Stage();

  const { isFine, client, server } = await stage.play({
    protocol: 'udp',
    seconds: 2,
    length: 1000,
    rate: 1e6,
    parallel: 2,
  });

  t.true(isFine);
  t.deepEqual([client.complaints, server.complaints], [[], []]);
  const [sender, receiver] = ['sender', 'receiver'].map((who) => summary(t, client.lines, who));
  // Of each stream 250 in two seconds, of which the last may be on its way when the test ends.
  t.regex(sender!.line, /^\[SUM\].* 0\.000 ms {2}0\/50[0-2] \(0%\) {2}sender$/);
  t.regex(receiver!.line, /^\[SUM\].* 0\/(49[89]|50[0-2]) \(0%\) {2}receiver$/);
  near(t, sender!.rate, 2e6, 0.01);
});

for (const wideCounters of [false, true]) {
  test(`datagrams that the link loses are told as lost, with ${wideCounters ? 64 : 32} bits of counter`, async (t) => {
    const stage = new Stage({ isJson: true });
    const lost = new Set([5, 50, 51, 52, 100]);
    let datagrams = 0;
    stage.pair.link.forward.filter = (bytes, length) => bytes[9] === 17 && length > 1000 && lost.has(datagrams++);

    const { isFine, client } = await stage.play({ protocol: 'udp', length: 1200, rate: 2e6, wideCounters });

    t.true(isFine);
    const { end } = JSON.parse(client.text) as {
      end: { sum: { lost_packets: number; packets: number; jitter_ms: number } };
    };
    t.is(end.sum.lost_packets, lost.size);
    t.true(end.sum.packets >= 206 && end.sum.packets <= 210, `${end.sum.packets}`);
  });
}

test("a client that asks for the server's report prints it", async (t) => {
  const stage = new Stage();

  const { client, server } = await stage.play({ wantsServerOutput: true });

  const start = client.lines.indexOf('Server output:');
  const told = client.lines.slice(start + 1).filter((line) => line !== '');
  t.deepEqual(told.slice(0, -1), server.lines.slice(3, -3));
});

test('the congestion control, the window and the type of service that were asked for are those of the stream', async (t) => {
  const stage = new Stage({ isJson: true });
  const classes = new Set<number>();
  stage.pair.link.forward.taps.push((bytes, length) => void (length > 1000 && classes.add(bytes[1]!)));

  const { isFine, client } = await stage.play({ congestion: 'reno', window: 65_536, mss: 1000, trafficClass: 16 });

  t.true(isFine);
  const { start, end } = JSON.parse(client.text) as {
    start: { sock_bufsize: number; sndbuf_actual: number; tcp_mss: number };
    end: { sender_tcp_congestion: string; receiver_tcp_congestion: string };
  };
  t.like(start, { sock_bufsize: 65_536, sndbuf_actual: 131_072, tcp_mss: 1000 });
  t.like(end, { sender_tcp_congestion: 'reno', receiver_tcp_congestion: 'reno' });
  t.deepEqual([...classes], [16]);
});

test('a congestion control that there is not is an error', async (t) => {
  const stage = new Stage();

  const { isFine, client } = await stage.play({ congestion: 'nonsense' });

  t.false(isFine);
  t.regex(
    client.complaints.join('\n'),
    /^iperf3: error - unable to set TCP_CONGESTION: Supplied .* not supported on this host$/,
  );
});

// Servers --------------------------------------------------------------------------------------------------------------

/** The server serves, and has kept nothing of those before. */
async function servesAsEver(t: ExecutionContext, stage: Stage): Promise<void> {
  const { isFine } = await stage.play({ seconds: 1 });
  t.true(isFine);
  await stage.pass(seconds(5));
  const [probe] = stage.serverModule.tcp();
  t.is(probe!.fileno(), 4); // 3 is the listener's: all others have been given back
  void probe!.close();
}

test('one client after another is served', async (t) => {
  const stage = new Stage();

  for (const settings of [{}, { direction: 'reverse' }, { protocol: 'udp', rate: 1e6, length: 1000 }] as const) {
    const { isFine } = await stage.play(settings);
    t.true(isFine);
  }

  await servesAsEver(t, stage);
  t.deepEqual(stage.serverSide.complaints, []);
});

test('a second client at the same time is told to try again later, and the first goes on', async (t) => {
  const stage = new Stage();
  const first = stage.client({ seconds: 3 });
  await stage.pass(seconds(1));

  const { isFine, client } = await stage.play({});

  t.false(isFine);
  t.deepEqual(client.complaints, ['iperf3: error - the server is busy running a test. try again later']);
  t.deepEqual(client.lines, []);
  t.true(await stage.until(first.ended));
  await servesAsEver(t, stage);
});

for (const settings of [{}, { direction: 'reverse' }, { protocol: 'udp', rate: 1e6, length: 1000 }] as const) {
  test(`a client that is killed in the middle is noticed: ${JSON.stringify(settings)}`, async (t) => {
    const stage = new Stage();
    stage.client({ ...settings, seconds: 10 });
    await stage.pass(seconds(2.5));

    for (const tcb of [...stage.pair.client.stack.tcp.connections()]) killed(stage, tcb);
    await stage.pass(seconds(3));

    t.deepEqual(stage.serverSide.complaints, ['iperf3: the client has unexpectedly closed the connection']);
    await servesAsEver(t, stage);
  });
}

test('a client that vanishes without a word is given up when its test should be over', async (t) => {
  const stage = new Stage();
  stage.client({ seconds: 5 });
  await stage.pass(seconds(2));

  stage.pair.link.forward.filter = () => true;
  stage.pair.link.backward.filter = () => true;
  await stage.pass(seconds(20));
  stage.pair.link.forward.filter = null;
  stage.pair.link.backward.filter = null;

  t.deepEqual(stage.serverSide.complaints, ['iperf3: error - the client does not end the test']);
  await stage.pass(seconds(120));
  await servesAsEver(t, stage);
});

test('a user who interrupts the client ends the test on both sides', async (t) => {
  const stage = new Stage();
  const { side, ended } = stage.client({ seconds: 10 });
  await stage.pass(seconds(2.5));

  side.user.abort();

  t.false(await stage.until(ended));
  await stage.pass(seconds(1));
  t.deepEqual(side.complaints, ['iperf3: interrupt - the client has terminated']);
  t.true(side.lines.at(-1)!.endsWith('receiver'));
  t.deepEqual(stage.serverSide.complaints, ['iperf3: the client has terminated']);
  await servesAsEver(t, stage);
});

test('a user who interrupts the server ends the test on both sides', async (t) => {
  const stage = new Stage();
  const { side, ended } = stage.client({ seconds: 10 });
  await stage.pass(seconds(2.5));

  t.false(await stage.end());

  t.false(await stage.until(ended));
  t.deepEqual(side.complaints, ['iperf3: error - the server has terminated']);
  t.deepEqual(stage.serverSide.complaints, ['iperf3: interrupt - the server has terminated']);
});

test('a server for one client ends after it', async (t) => {
  const stage = new Stage({ server: { isOneOff: true } });

  const { isFine } = await stage.play({});

  t.true(isFine);
  t.true(await stage.until(stage.served));
  const again = await stage.play({});
  t.deepEqual(again.client.complaints, ['iperf3: error - unable to connect to server: Connection refused']);
});

const cookie = 'a'.repeat(36);

/** JSON with its length before it. */
function framed(text: string, length = text.length): Uint8Array {
  const message = new Uint8Array(4 + text.length);
  new DataView(message.buffer).setUint32(0, length);
  message.set(new TextEncoder().encode(text), 4);
  return message;
}

const parameters = JSON.stringify({ tcp: true, time: 1, parallel: 1, len: 1000 });

/** What strangers say, one after the other's answer, and what the server complains of. Null is silence. */
const misbehaviours: readonly (readonly [
  title: string,
  says: readonly (Uint8Array | null)[],
  complaint: RegExp | null,
])[] = [
  ['sends no JSON', [framed('{"tcp":')], /unable to receive parameters from client: not JSON/],
  ['announces two gigabytes of JSON', [framed('{', 2 ** 31)], /parameters from client: 2147483648 octets are too many/],
  ['announces more JSON than it sends', [framed('{', 100), null], /unable to receive parameters from client$/],
  ['says nothing more than its cookie', [null], /unable to receive parameters from client$/],
  ['asks for a thousand streams', [framed('{"tcp":true,"parallel":1000}')], /parameters from client: parallel/],
  ['sends JSON that is no object', [framed('[1]')], /parameters from client: no object/],
  ['never opens its streams', [framed(parameters), null, null], /the client has unexpectedly closed the connection/],
  ['never opens its streams of UDP', [framed(parameters.replace('tcp', 'udp')), null, null], /the client|a new stream/],
  ['names a state that there is not', [framed(parameters), Uint8Array.of(99)], /received an unknown control message/],
];

for (const [title, says, complaint] of misbehaviours) {
  test(`whoever ${title} does not keep the server from the next client`, async (t) => {
    const stage = new Stage();
    const socket = await stage.stranger(cookie);
    t.deepEqual([...(await answer(stage, socket))], [9]);

    for (const word of says) {
      if (word === null) await stage.pass(seconds(35));
      else {
        await socket.write(word);
        await stage.pass(ms(100));
      }
    }

    t.regex(stage.serverSide.complaints.join('\n'), complaint!);
    void socket.close();
    await servesAsEver(t, stage);
  });
}

test('silent connections take nobody his turn, and are given up', async (t) => {
  const stage = new Stage();
  const silent = await stage.stranger(null);

  const { isFine } = await stage.play({});

  t.true(isFine);
  await stage.pass(seconds(15));
  const [, error] = await stage.until(silent.read(1));
  t.is(error, 'Connection closed');
});

test('a stream with another cookie is not taken for one of the test', async (t) => {
  const stage = new Stage();
  const client = await stage.stranger(cookie);
  await answer(stage, client);
  await client.write(framed(parameters));
  t.deepEqual([...(await answer(stage, client))], [10]);

  const other = await stage.stranger('b'.repeat(36));

  t.deepEqual([...(await answer(stage, other))], [255]);
  await stage.stranger(cookie);
  t.deepEqual([...(await answer(stage, client))], [1, 2]);
});

test('results that are none are an error', async (t) => {
  const stage = new Stage();
  const client = await stage.stranger(cookie);
  await answer(stage, client);
  await client.write(framed(parameters));
  await answer(stage, client);
  await stage.stranger(cookie);
  await answer(stage, client);
  await client.write(Uint8Array.of(4));
  t.deepEqual([...(await answer(stage, client))], [13]);

  await client.write(framed('{"streams":[{"id":7}]}'));
  await stage.pass(seconds(1));

  t.deepEqual(stage.serverSide.complaints, ['iperf3: error - unable to find stream pointer']);
  void client.close();
  await stage.pass(seconds(1));
  t.true((await stage.play(usual)).isFine);
});

test('the streams of a test that a client has ended come to their end before it sends its results', async (t) => {
  const stage = new Stage();
  const client = await stage.stranger(cookie);
  await answer(stage, client);
  await client.write(framed(parameters.replace('{', '{"reverse":true,')));
  await answer(stage, client);
  const stream = await stage.stranger(cookie);
  await answer(stage, client);
  await client.write(Uint8Array.of(4)); // TEST_END

  stream.settimeout(5);
  let [data, error] = await stage.until(stream.read(100_000));
  while (data.length > 0) [data, error] = await stage.until(stream.read(100_000));

  t.is(error, 'Connection closed');
  t.deepEqual([...(await answer(stage, client))], [13]);
});

async function answer(stage: Stage, socket: Socket): Promise<Uint8Array> {
  await stage.pass(ms(100));
  const [data] = await stage.until(socket.read(100));
  return data;
}

/** The connection is gone as that of a process that was killed: with a reset. */
function killed(stage: Stage, tcb: Parameters<typeof tcpCalls.abort>[0]): void {
  tcpCalls.abort(tcb, stage.pair.network.now);
  stage.pair.client.kick();
}

// Clients --------------------------------------------------------------------------------------------------------------

test('a client whose server is not there says so', async (t) => {
  const stage = new Stage();

  const { isFine, client } = await stage.play({}, { port: 5202 });

  t.false(isFine);
  t.deepEqual(client.lines, []);
  t.deepEqual(client.complaints, ['iperf3: error - unable to connect to server: Connection refused']);
});

for (const [title, says, complaint] of [
  ['closes at once', [], 'control socket has closed unexpectedly'],
  ['names a state that there is not', [99], 'received an unknown control message'],
  ['starts before there are streams', [2], 'received an unknown control message'],
  ['is busy', [255], 'the server is busy running a test. try again later'],
  ['has failed', [254, 0, 0, 0, 108, 0, 0, 0, 0], 'the server reports error 108'],
  ['sends results that are too long', [9, 10, 1, 2, 13, 255, 255, 255, 255], null],
] as const) {
  test(`a server that ${title} is an error of the client`, async (t) => {
    const stage = new Stage();
    const [listener] = stage.serverModule.tcp();
    await listener!.bind('', 6000);
    listener!.listen(5);
    const { side, ended } = stage.client({}, { port: 6000 });

    const [control] = await stage.until(listener!.accept());
    await control!.write(Uint8Array.from(says));
    await stage.pass(seconds(3));
    void control!.close();

    t.false(await stage.until(ended));
    t.is(side.complaints.length, 1);
    if (complaint !== null) t.deepEqual(side.complaints, [`iperf3: error - ${complaint}`]);
  });
}

test('both families are served, and a client names the one that it wants', async (t) => {
  const stage = new Stage();

  const sixth = await stage.play({}, { host: 'fd00::2' });
  const fourth = await stage.play({}, { host: serverAddress, family: 4 });

  t.true(sixth.isFine && fourth.isFine);
  t.regex(sixth.client.text, /local fd00::1 port \d+ connected to fd00::2 port 5201/);
  t.regex(stage.serverSide.text, /Accepted connection from fd00::1, port/);
  t.regex(stage.serverSide.text, /Accepted connection from 10\.0\.0\.1, port/);
});
