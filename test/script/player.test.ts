import test from 'ava';
import { type Family, OurTarget, type Outcome, parseScript, playScript } from '../../src/script/index.ts';

/** Plays a text against our stack. Windows are not told in messages: their size is not what this is about. */
async function play(text: string, family: Family = 4): Promise<Outcome> {
  const script = parseScript('x.pkt', text);
  const outcome = await playScript(script, new OurTarget(script.headers), { family });
  return outcome.ok
    ? outcome
    : { ...outcome, message: outcome.message.replace(/win \d{4,}$|win \d{4,}(?= instead)/gm, 'win N') };
}

/** The first line of what went wrong. */
async function wrongOf(text: string): Promise<string> {
  const outcome = await play(text);
  return outcome.ok ? 'nothing' : `${outcome.line}: ${outcome.message.split('\n')[0]}`;
}

/** Lines 1 to 7: a connection that descriptor 4 stands for, at 0.2 s. */
const connected = `0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
  +0 bind(3, ..., ...) = 0
  +0 listen(3, 1) = 0
  +0.1 < S 0:0(0) win 32792 <mss 1000>
  +0 > S. 0:0(0) ack 1 <mss 1460>
  +0.1 < . 1:1(0) ack 1 win 32792
  +0 accept(3, ..., ...) = 4
`;

test('a script that goes as it is written is fine, over both families', async (t) => {
  const text = `${connected}
    +0 write(4, ..., 100) = 100
    +0 > P. 1:101(100) ack 1
    +0.1 < P. 1:101(100) ack 101 win 32792
    * > . 101:101(0) ack 101
    +0 read(4, ..., 1000) = 100`;

  t.deepEqual(await play(text), { ok: true });
  t.deepEqual(await play(text.replace('mss 1460', 'mss 1440'), 6), { ok: true });
});

test('another packet is told beside the one that was expected, in the notation of scripts', async (t) => {
  const outcome = await play(`${connected}
    +0 write(4, ..., 100) = 100
    +0 > F. 2:102(100) ack 7 win 1 <nop,nop>`);

  t.deepEqual(outcome, {
    ok: false,
    line: 10,
    message: [
      'another packet: flags P. instead of F., seq 1 instead of 2, ack 1 instead of 7, win N instead of 1, ' +
        'options, text from octet 0 on is 0001020304050607 instead of 0102030405060708',
      '  expected: +0 > F. 2:102(100) ack 7 win 1 <nop,nop>',
      '  got:      0.200000 > P. 1:101(100) ack 1 win N',
    ].join('\n'),
    isTimeOnly: false,
  });
});

test('options that nobody expects are a difference', async (t) => {
  const text = `0 socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 3
    +0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)
    +0 > S 0:0(0)`;

  t.regex(await wrongOf(text), /^3: another packet: options <mss 1460,sackOK,TS val \d+ ecr 0,nop,wscale \d+>$/);
});

test('a packet of another connection is told as that', async (t) => {
  const text = connected.replace('> S.', '> #2 S.');

  t.is(await wrongOf(text), '5: another packet: of #1 instead of #2');
});

test('a packet that does not come is missed', async (t) => {
  t.is(await wrongOf(`${connected}+0 > P. 1:101(100) ack 1`), '8: no packet');
});

test('a packet that comes too late or too early differs in its time only', async (t) => {
  const late = await play(`${connected}
    +0 write(4, ..., 100) = 100
    +0 > P. 1:101(100) ack 1
    +0.1 > P. 1:101(100) ack 1`);
  const early = await play(`${connected}
    +0 write(4, ..., 100) = 100
    +0.1 > P. 1:101(100) ack 1`);

  t.like(late, { ok: false, isTimeOnly: true, line: 11 });
  t.is(late.ok ? '' : late.message.split('\n')[0], 'sent at 0.500000 instead of 0.300000');
  t.like(early, { ok: false, isTimeOnly: true, line: 10 });
  t.is(early.ok ? '' : early.message.split('\n')[0], 'sent at 0.200000 instead of 0.300000');
});

test('times have a tolerance, which a script may set', async (t) => {
  const text = `${connected}
    +0 write(4, ..., 100) = 100
    +0 > P. 1:101(100) ack 1
    +0.281 > P. 1:101(100) ack 1`;

  t.true((await play(text)).ok);
  t.false((await play(`tolerance 18ms\n${text}`)).ok);
});

test('a packet may come within a range of times', async (t) => {
  const text = (range: string) => `${connected}
    +0 write(4, ..., 100) = 100
    +0 > P. 1:101(100) ack 1
    ${range} > P. 1:101(100) ack 1`;

  t.is(await wrongOf(text('+0.1~+0.4')), 'nothing');
  t.is(await wrongOf(text('+0.1~+0.2')), '11: sent at 0.500000 instead of 0.300000 to 0.400000');
  t.is(await wrongOf(text('0.4~0.45')), '11: sent at 0.500000 instead of 0.400000 to 0.450000');
});

test('a packet before the time up to which there are none is told', async (t) => {
  const text = `${connected}
    +0 write(4, ..., 100) = 100
    +0.1 no packets`;

  const outcome = await play(text);

  t.like(outcome, {
    line: 10,
    message: 'a packet that is not expected\n  got:      0.200000 > P. 1:101(100) ack 1 win N',
  });
  t.is(await wrongOf(`${connected}+1 no packets`), 'nothing');
});

test('a packet that nobody has expected before the end is told', async (t) => {
  const text = `${connected}
    +0 write(4, ..., 100) = 100
    +0.1 close(4) = 0`;

  t.is(await wrongOf(text), '10: a packet that is not expected');
});

test('results of calls are compared', async (t) => {
  t.is(
    await wrongOf(`0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n +0 listen(3, 1) = 7`),
    '2: returned 0 instead of 7: +0 listen(3, 1) = 7',
  );
  t.is(
    await wrongOf(`${connected}+0 recv(4, ..., 10, MSG_DONTWAIT) = 10`),
    '8: returned -1 EAGAIN instead of 10: +0 recv(4, ..., 10, MSG_DONTWAIT) = 10',
  );
  t.is(
    await wrongOf(`${connected}+0 recv(4, ..., 10, MSG_DONTWAIT) = -1 EPIPE (Broken pipe)`),
    '8: returned -1 EAGAIN instead of -1 EPIPE: +0 recv(4, ..., 10, MSG_DONTWAIT) = -1 EPIPE (Broken pipe)',
  );
  t.is(await wrongOf(`${connected}+0 recv(4, ..., 10, MSG_DONTWAIT) = ?`), 'nothing');
});

test('what calls fill in is compared', async (t) => {
  t.is(
    await wrongOf(`${connected}+0 getsockopt(4, SOL_TCP, TCP_NODELAY, [1], [4]) = 0`),
    '8: told 0 instead of 1: +0 getsockopt(4, SOL_TCP, TCP_NODELAY, [1], [4]) = 0',
  );
  t.is(await wrongOf(`${connected}+0 getsockopt(4, SOL_TCP, TCP_NODELAY, ..., [4]) = 0`), 'nothing');
  t.is(
    await wrongOf(`${connected}+0 ioctl(4, SIOCINQ, [1]) = 0`),
    '8: told 0 instead of 1: +0 ioctl(4, SIOCINQ, [1]) = 0',
  );
  t.is(
    await wrongOf(`${connected}+0 poll([{fd=4, events=POLLIN|POLLOUT, revents=POLLIN}], 1, 0) = 1`),
    '8: descriptor 4 has POLLOUT instead of POLLIN: +0 poll([{fd=4, events=POLLIN|POLLOUT, revents=POLLIN}], 1, 0) = 1',
  );
});

test('octets read are compared with the text, or with the running pattern', async (t) => {
  const sent = `${connected}
    +0 < P. 1:4(3) ack 1 win 32792 "abc"
    * > . 1:1(0) ack 4`;

  t.is(await wrongOf(`${sent}\n +0 read(4, "abc", 3) = 3`), 'nothing');
  t.is(
    await wrongOf(`${sent}\n +0 read(4, "abd", 3) = 3`),
    '11: read "abc" instead of "abd": +0 read(4, "abd", 3) = 3',
  );
  t.is(
    await wrongOf(`${connected}
    +0 < P. 1:301(300) ack 1 win 32792
    * > . 1:1(0) ack 301
    +0 recv(4, ..., 300, MSG_PEEK) = 300
    +0 read(4, ..., 255) = 255
    +0 read(4, ..., 45) = 45`),
    'nothing',
  );
});

test('octets sent are compared with the text', async (t) => {
  const text = `${connected}
    +0 write(4, "abc", 3) = 3
    +0 > P. 1:4(3) ack 1 "abd"`;

  t.is(await wrongOf(text), '10: another packet: text from octet 2 on is 63 instead of 64');
});

test('a call that waits returns at its time', async (t) => {
  const reading = (range: string) => `${connected}
    ${range} read(4, ..., 10) = 10
    +0.3 < P. 1:11(10) ack 1 win 32792
    * > . 1:1(0) ack 11`;

  t.is(await wrongOf(reading('+0...0.3')), 'nothing');
  t.is(await wrongOf(reading('0.2...0.5')), 'nothing');
  t.is(
    await wrongOf(reading('+0...0.2')),
    '9: returned at 0.500000 instead of 0.400000: +0...0.2 read(4, ..., 10) = 10',
  );
  t.is(await wrongOf(reading('+0')), '9: has not returned: +0 read(4, ..., 10) = 10');
});

test('a call may release another one that waits for it, at the same time', async (t) => {
  const text = `${connected}+0...0.2 read(4, ..., 10) = 0
    +0.2 shutdown(4, SHUT_RD) = 0`;
  const listening = connected.split('\n').slice(0, 3).join('\n');
  const accepting = `${listening}\n +0...0.2 accept(3, ..., ...) = -1 EINVAL (Invalid argument)\n +0.2 shutdown(3, SHUT_RD) = 0`;

  t.is(await wrongOf(text), 'nothing');
  t.is(await wrongOf(accepting), 'nothing');
});

test('a call that needs the descriptor of one that waits comes after it', async (t) => {
  const text = `${connected.split('\n').slice(0, 3).join('\n')}
    +0...0.1 accept(3, ..., ...) = 4
    +0 < S 0:0(0) win 32792 <mss 1000>
    +0 > S. 0:0(0) ack 1 <mss 1460>
    +0.1 < . 1:1(0) ack 1 win 32792
    +0 write(4, ..., 10) = 10
    +0 > P. 1:11(10) ack 1`;

  t.is(await wrongOf(text), 'nothing');
});

test('a call that never returns is told at the end', async (t) => {
  const text = `${connected}+0...0.2 read(4, ..., 10) = 10`;

  t.is(await wrongOf(text), '8: has not returned: +0...0.2 read(4, ..., 10) = 10');
});

test('claims are told with the values that they are about', async (t) => {
  t.is(await wrongOf(`${connected}+0 %{ tcpi_state == TCP_ESTABLISHED && tcpi_unacked == 0 }%`), 'nothing');
  t.is(
    await wrongOf(`${connected}+0 %{ tcpi_state == 1, tcpi_unacked > 0 }%`),
    '8: not true: tcpi_unacked > 0 (tcpi_unacked is 0)',
  );
  t.is(await wrongOf(`${connected}+0 %{ 3: tcpi_state == TCP_LISTEN }%`), 'nothing');
  t.is(await wrongOf(`${connected}+0 %{ tcpi_colour == 1 }%`), '8: there is no tcpi_colour here');
  t.is(await wrongOf('0 %{ tcpi_state == 1 }%'), '1: there is no connection to ask');
});

test('a script that uses descriptors it does not have is told', async (t) => {
  t.is(await wrongOf('0 close(3) = 0'), '1: the script has no descriptor 3 open');
  t.is(
    await wrongOf('0 socket(..., SOCK_STREAM, 0) = 3\n +0 socket(..., SOCK_STREAM, 0) = 3'),
    '2: the script has descriptor 3 open already: +0 socket(..., SOCK_STREAM, 0) = 3',
  );
});

test('sysctls are set, and unknown ones refused', async (t) => {
  const text = `sysctl net.ipv4.tcp_sack=0
    0 socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 3
    +0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)
    +0 > S 0:0(0) <mss 1460,nop,nop,TS val 0 ecr 0,nop,wscale any>`;

  t.is(await wrongOf(text), 'nothing');
  await t.throwsAsync(wrongOf('sysctl net.ipv4.tcp_colour=1\n0 close(3) = 0'), {
    message: 'unknown sysctl net.ipv4.tcp_colour',
  });
});

test('a message that the family does not have is refused', async (t) => {
  const outcome = await play(`${connected.replace('1460', '1440')}+0 < icmp source_quench [1:2(1)]`, 6);

  t.like(outcome, { line: 8, message: "IPv6 has no message 'source_quench'" });
});

test('every event and packet is told to whoever wants to know', async (t) => {
  const script = parseScript('x.pkt', connected);
  const lines: string[] = [];

  const log = (line: string) => lines.push(line.replace(/win 6\d+ /, 'win N '));
  await playScript(script, new OurTarget(script.headers), { family: 4, log });

  t.deepEqual(lines.slice(2, 6), [
    '0.000000 +0 listen(3, 1) = 0',
    '0.100000 +0.1 < S 0:0(0) win 32792 <mss 1000>',
    '0.100000 > S. 0:0(0) ack 1 win N <mss 1460>',
    '0.200000 +0.1 < . 1:1(0) ack 1 win 32792',
  ]);
});
