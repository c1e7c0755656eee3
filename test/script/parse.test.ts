import test from 'ava';
import { parseScript, ScriptError } from '../../src/script/index.ts';

const events = (text: string) => parseScript('x.pkt', text).events;
const actionOf = (text: string) => events(text)[0]!.action;

/** What is said about a text that is no script. */
function errorOf(text: string): string {
  try {
    parseScript('x.pkt', text);
  } catch (error) {
    if (error instanceof ScriptError) return error.message;
    throw error;
  }
  return 'nothing';
}

test('header lines set what a script is played with', (t) => {
  const { headers } = parseScript(
    'x.pkt',
    `// about
    sysctl net.ipv4.tcp_sack=0
    sysctl net.ipv4.tcp_rmem = 4096 131072 6291456   # three of them
    mtu 1200
    family both
    tolerance 40ms
    only kernel "nobody else has it"
    0 close(3) = 0`,
  );

  t.deepEqual(headers, {
    families: [4, 6],
    mtu: 1200,
    tolerance: 40_000,
    only: { target: 'kernel', reason: 'nobody else has it' },
    sysctls: [
      ['net.ipv4.tcp_sack', '0'],
      ['net.ipv4.tcp_rmem', '4096 131072 6291456'],
    ],
  });
});

test('without header lines a script is for IPv4, an MTU of 1500 and everybody', (t) => {
  const { headers } = parseScript('x.pkt', '0 close(3) = 0');

  t.deepEqual(headers, { families: [4], mtu: 1500, tolerance: null, only: null, sysctls: [] });
});

test('times are absolute, relative, ranges, any, and of calls that return later', (t) => {
  const times = events(`
    0.5 close(3) = 0
    +.25 close(3) = 0
    +0.1~+0.3 > . 1:1(0) ack 1
    1.0~1.5 > . 1:1(0) ack 1
    * > . 1:1(0) ack 1
    +0...0.3 close(3) = 0`).map(({ when }) => when);

  const plain = { latest: null, returns: null };
  t.deepEqual(times, [
    { kind: 'absolute', time: 500_000, ...plain },
    { kind: 'relative', time: 250_000, ...plain },
    { kind: 'relative', time: 100_000, latest: 300_000, returns: null },
    { kind: 'absolute', time: 1_000_000, latest: 1_500_000, returns: null },
    { kind: 'any' },
    { kind: 'relative', time: 0, latest: null, returns: 300_000 },
  ]);
});

test('an event knows its line and its text, without comments and over several lines', (t) => {
  const [, second] = events(`0 close(3) = 0 // one
    +0 setsockopt(3, SOL_SOCKET, /* how */ SO_LINGER,
                  {onoff=1, linger=0}, 8) = 0 # two
    +1 no packets`);

  t.is(second!.line, 2);
  t.is(second!.text, '+0 setsockopt(3, SOL_SOCKET, SO_LINGER, {onoff=1, linger=0}, 8) = 0');
});

test('a packet has flags, sequence numbers, acknowledgment, window, urgent pointer, options and text', (t) => {
  const action = actionOf('0 < PU. 1:4(3) ack 7 win 9 urg 2 <mss 1000,sackOK,TS val 5 ecr 6,nop,wscale 7> "a\\x00\\n"');

  t.like(action, {
    kind: 'inject',
    packet: {
      kind: 'tcp',
      label: 1,
      flags: 0x38,
      seq: 1,
      length: 3,
      ack: 7,
      win: 9,
      urg: 2,
      payload: Uint8Array.of(97, 0, 10),
      options: [
        { kind: 'mss', value: 1000 },
        { kind: 'sackOK' },
        { kind: 'TS', val: 5, ecr: 6 },
        { kind: 'nop' },
        { kind: 'wscale', value: 7 },
      ],
    },
  });
});

test('options may be SACK blocks, Fast Open cookies, and any kind at all', (t) => {
  const action = actionOf('0 > . 1:1(0) ack 1 <sack 1:2 3:4,FO 0a0b,FO,FO any,kind 77 len 4 beef,mss any>');

  const { packet } = action as Extract<typeof action, { kind: 'expect' }>;
  t.deepEqual((packet as Extract<typeof packet, { kind: 'tcp' }>).options, [
    {
      kind: 'sack',
      blocks: [
        [1, 2],
        [3, 4],
      ],
    },
    { kind: 'FO', cookie: Uint8Array.of(10, 11) },
    { kind: 'FO', cookie: new Uint8Array() },
    { kind: 'FO', cookie: null },
    { kind: 'other', number: 77, data: Uint8Array.of(0xbe, 0xef) },
    { kind: 'mss', value: null },
  ]);
});

test('options may be anything, or none', (t) => {
  t.like(actionOf('0 > . 1:1(0) ack 1 <...>'), { packet: { options: 'any' } });
  t.like(actionOf('0 > . 1:1(0) ack 1'), { packet: { options: null } });
});

test('brackets tell what is in the IP header, and faults', (t) => {
  t.like(actionOf('0 < [ect0, ttl 3, badsum, hdrlen 16] . 1:1(0) ack 1'), {
    packet: { ip: { ecn: 2, ttl: 3, badChecksum: true, headerLength: 16, tos: null, df: null } },
  });
  t.like(actionOf('0 > [tos 0x10,df] . 1:1(0) ack 1'), { packet: { ip: { tos: 16, df: true, ecn: null } } });
});

test('a connection is named by its number and may have a port', (t) => {
  t.like(actionOf('0 < #3 . 1:1(0) ack 1'), { packet: { label: 3, hostPort: null } });
  t.like(actionOf('0 < #3:99 . 1:1(0) ack 1'), { packet: { label: 3, hostPort: 99 } });
});

test('ICMP messages quote a segment or a datagram', (t) => {
  t.like(actionOf('0 < icmp unreachable frag_needed mtu 1200 [1:1461(1460)]'), {
    packet: {
      kind: 'icmp',
      type: 'unreachable',
      code: 'frag_needed',
      mtu: 1200,
      quote: { protocol: 'tcp', seq: 1, length: 1460 },
    },
  });
  t.like(actionOf('0 < icmp source_quench [udp (5)]'), {
    packet: { code: null, mtu: null, quote: { protocol: 'udp', length: 5 } },
  });
});

test('calls have numbers for names, and results with errors', (t) => {
  t.deepEqual(actionOf('0 socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 3'), {
    kind: 'call',
    call: { name: 'socket', family: null, type: 0o4001, protocol: 6 },
    result: { value: 3, error: null },
  });
  t.like(actionOf('0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)'), {
    result: { value: -1, error: 'EINPROGRESS' },
  });
  t.like(actionOf('0 read(3, ..., 5) = ?'), { result: { value: null, error: null } });
  t.like(actionOf('0 fcntl(3, F_GETFL) = 0x802 (flags O_RDWR|O_NONBLOCK)'), { result: { value: 0x802 } });
});

test('addresses are usual or written out', (t) => {
  t.like(actionOf('0 bind(3, ..., ...) = 0'), { call: { address: { host: null, port: null } } });
  const text = '0 bind(3, {sa_family = AF_INET, sin_port = htons(81), sin_addr = inet_addr("192.168.0.1")}, ...) = 0';
  t.like(actionOf(text), { call: { address: { host: '192.168.0.1', port: 81 } } });
});

test('values of options are numbers, texts, and the two structures', (t) => {
  const value = (text: string) => {
    const action = actionOf(`0 setsockopt(3, SOL_SOCKET, SO_LINGER, ${text}, 4) = 0`);
    return (action as Extract<typeof action, { kind: 'call' }>).call;
  };
  t.like(value('[7]'), { value: 7 });
  t.like(value('7'), { value: 7 });
  t.like(value('"reno"'), { value: 'reno' });
  t.like(value('{onoff=1, linger=2}'), { value: { onoff: 1, linger: 2 } });
  t.like(value('{tv_sec=1, tv_usec=2}'), { value: { sec: 1, usec: 2 } });
});

test('several claims may stand between the braces, about a descriptor', (t) => {
  const action = actionOf('0 %{ 4: tcpi_rtt < 10 && tcpi_state == TCP_ESTABLISHED, tcpi_unacked == 0; }%');

  t.like(action, { kind: 'assert', fd: 4 });
  const { claims } = action as { claims: readonly { readonly text: string }[] };
  t.deepEqual(
    claims.map(({ text }) => text),
    ['tcpi_rtt < 10 && tcpi_state == TCP_ESTABLISHED', 'tcpi_unacked == 0'],
  );
});

const wrong: readonly (readonly [text: string, message: string | RegExp])[] = [
  ['0 close(3) = 0\n+0 clsoe(3) = 0', "x.pkt:2:4: there is no call 'clsoe'"],
  ['sysctl tcp_sack', 'x.pkt:1:1: sysctl: expected name=value'],
  ['colour red', "x.pkt:1:1: unknown header 'colour'"],
  ['tolerance soon', 'x.pkt:1:1: tolerance: expected a time, such as 20ms'],
  ['family ipx', 'x.pkt:1:1: family: expected ipv4, ipv6 or both'],
  ['0 < Z 0:0(0)', "x.pkt:1:5: expected flags, such as S. or P., not 'Z'"],
  ['0 < S 0:0', "x.pkt:1:7: expected sequence numbers, such as 1:1001(1000), not '0:0'"],
  ['0 < . 1:1001(999) ack 1', 'x.pkt:1:7: 1 + 999 is not 1001'],
  ['0 < . 1:4(3) ack 1 "four"', 'x.pkt:1:20: the text has 4 octets, not 3'],
  ['0 < S 0:0(0) <mss>', "x.pkt:1:18: expected a number, not '>'"],
  ['0 < S 0:0(0) <mas 5>', "x.pkt:1:15: unknown option 'mas'"],
  ['0 < S 0:0(0) <mss any>', "x.pkt:1:3: a packet to be sent needs numbers instead of 'any'"],
  ['0 < S 0:0(0) <...>', 'x.pkt:1:3: a packet to be sent needs all of its options'],
  ['0 < [blue] S 0:0(0)', "x.pkt:1:6: unknown property 'blue'"],
  ['0 < icmp unreachable moon [1:2(1)]', /^x.pkt:1:22: unknown code 'moon': net_unreachable, /],
  ['0 < icmp unreachable', 'x.pkt:1:3: a packet to be sent needs what it is about, such as [1:1001(1000)]'],
  ['0 < p. 1:1(0) ack 1', 'x.pkt:1:3: a packet to be sent needs all of its flags'],
  ['0 write(4, ..., 10)', "x.pkt:1:20: expected '='"],
  ['0 write(4, ...) = 10', 'x.pkt:1:3: write: 3 arguments expected, not 2'],
  ['0 write(4, "ab", 3) = 3', 'x.pkt:1:3: write: the text has 2 octets only'],
  ['0 read(4, ..., 3) = -1', 'x.pkt:1:23: expected the name of an error'],
  ['0 socket(..., SOCK_STEAM, 0) = 3', "x.pkt:1:15: unknown name 'SOCK_STEAM'"],
  ['0 %{ tcpi_rtt < }%', /^x.pkt:1:17: expected a field of TCP_INFO, a number or a name/],
  ['0 %{ rtt < 5 }%', "x.pkt:1:6: unknown name 'rtt'"],
  ['* close(3) = 0', 'x.pkt:1:1: only packets that are expected may come at any time'],
  ['0...1 < . 1:1(0) ack 1', 'x.pkt:1:1: only calls have a time at which they return'],
  ['0...0', 'x.pkt:1:6: expected the name of a call, a packet, or %{'],
  ['soon', "x.pkt:1:1: unknown header 'soon'"],
];

for (const [text, message] of wrong) {
  test(`is no script: ${JSON.stringify(text)}`, (t) => {
    const said = errorOf(text);

    if (typeof message === 'string') t.is(said, message);
    else t.regex(said, message);
  });
}
