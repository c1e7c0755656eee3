/**
 * Each call in each state on sockets of ours, in virtual time, against what Linux answers (requirement 4.6). The kernel is
 * asked the same by test/tun/misuse-kernel.test.ts.
 */
import test from 'ava';
import { answersIn, answersToCases, differing, linuxToCases, rows } from './matrix.ts';
import { ourWorld } from './our-sockets.ts';
import { caseTable, tcpTable, udpTable } from './table.ts';

interface Difference {
  readonly why: string;
  /** What we answer: 'tcp estab recv', 'udp fresh bind(0)', a whole state such as 'udp fresh', or the name of a case. */
  readonly ours: Readonly<Record<string, string>>;
}

/** Where we do not answer as Linux does. */
const differences: readonly Difference[] = [
  {
    why: 'a socket that has had a connection, or a listener, is not bound again',
    ours: {
      'tcp both_fin bind(0)': 'EINVAL',
      'tcp got_rst bind(0)': 'EINVAL',
      'tcp got_rst_untold bind(0)': 'EINVAL',
      'tcp got_rst_told bind(0)': 'EINVAL',
      'tcp got_rst_unread bind(0)': 'EINVAL',
      'tcp refused bind(0)': 'EINVAL',
      'tcp refused_told bind(0)': 'EINVAL',
      'tcp listen_shut_rd bind(0)': 'EINVAL',
      'tcp got_rst_bound': 'Error: EINVAL, not ok',
      'tcp both_fin_bound': 'Error: EINVAL, not ok',
      'tcp refused_bound': 'Error: EINVAL, not ok',
    },
  },
  {
    why: 'shutting down while connecting ends the attempt without an error, and the socket is of no use any more',
    ours: {
      'tcp syn_sent_shut bind(0)': 'EINVAL',
      'tcp syn_sent_shut listen': 'EINVAL',
      'tcp syn_sent_shut connect(live)': 'ECONNABORTED',
      'tcp syn_sent_shut send(1)': 'EPIPE',
      'tcp syn_sent_shut send(0)': 'EPIPE',
      'tcp syn_sent_shut recv': 'EOF',
      'tcp syn_sent_shut SO_ERROR': 'ok0',
    },
  },
  {
    why: 'what an earlier datagram has drawn, and the end of sending, come before the permission to broadcast',
    ours: {
      'udp connected_port_unreachable sendto 255.255.255.255': 'ECONNREFUSED',
      'udp shut_wr sendto 255.255.255.255': 'EPIPE',
      'udp shut_rdwr sendto 255.255.255.255': 'EPIPE',
    },
  },
  {
    why: 'the end of reading datagrams is told also to those who do not wait',
    ours: { 'udp shut_rd recv': 'EOF', 'udp shut_rdwr recv': 'EOF' },
  },
  {
    why: 'IPV6_V6ONLY is looked at by those who receive only',
    ours: {
      'AF_INET6 connect to v4-mapped with V6ONLY': 'ok',
      'AF_INET6 UDP connect to v4-mapped with V6ONLY': 'ok',
      'AF_INET6 UDP sendto v4-mapped with V6ONLY': '1',
      'AF_INET6 bind v4-mapped with V6ONLY': 'ok',
    },
  },
  { why: 'SO_REUSEADDR is on by default', ours: { 'TCP bind to a bound port': 'ok' } },
  {
    why: 'only addresses of the host can be bound to, and groups by datagram sockets',
    ours: {
      'TCP bind multicast': 'EADDRNOTAVAIL',
      'TCP bind broadcast': 'EADDRNOTAVAIL',
      'UDP bind broadcast': 'EADDRNOTAVAIL',
    },
  },
  {
    why: 'the unspecified address is not taken for this host',
    ours: {
      'TCP connect 0.0.0.0':
        'InvariantViolation: invariant 9 (every packet sent is well formed) at 0 s: client: a packet that goes nowhere',
    },
  },
  { why: 'a stream does not ignore an address', ours: { 'TCP sendto while fresh': 'EISCONN' } },
  { why: 'nothing is sent to port 0', ours: { 'UDP connect port 0, then send': 'EINVAL' } },
  {
    why: 'values are not cut to what the option can hold',
    ours: { 'SO_SNDBUF -1': 'EINVAL', 'SO_RCVBUF -1': 'EINVAL', 'IP_TOS 256': 'EINVAL' },
  },
  {
    why: 'streams do not have the option',
    ours: {
      'IP_MTU_DISCOVER 2': 'ENOPROTOOPT',
      'IP_MTU_DISCOVER 6': 'ENOPROTOOPT',
      'IP_MULTICAST_TTL on TCP': 'ENOPROTOOPT',
    },
  },
  { why: 'IP_TTL cannot be 0 either', ours: { 'IPV6_UNICAST_HOPS 0': 'EINVAL' } },
];

const known: ReadonlyMap<string, string> = new Map(differences.flatMap(({ ours }) => Object.entries(ours)));

/** Linux does send a SYN to port 0, to be refused. Packets of a simulation have ports, unless that is not looked at. */
const enter = (question: string) => ({
  world: ourWorld({ invariants: question !== 'TCP connect port 0' }),
  leave: async () => {},
});

/** What we have to answer: what Linux does, but for the known differences. */
const expected = (linux: Readonly<Record<string, string>>, state = ''): Record<string, string> =>
  Object.fromEntries(
    Object.entries(linux).map(([call, answer]) => [
      call,
      known.get(`${state} ${call}`.trimStart()) ?? known.get(state) ?? answer,
    ]),
  );

for (const row of rows) {
  test(`On a ${row.what} every call ends as it does on Linux`, async (t) => {
    const answers = await answersIn(row, enter);

    t.deepEqual(differing(answers, expected(row.linux, `${row.kind} ${row.state}`)), []);
  });
}

test('Options and addresses that cannot be are refused as Linux refuses them', async (t) => {
  const answers = await answersToCases(enter);

  t.deepEqual(differing(answers, expected(linuxToCases)), []);
});

test('4.6: 14 states of TCP are reached and asked 13 calls, 7 of UDP 14, and there are 19 cases', (t) => {
  for (const [kind, table, states, calls] of [
    ['tcp', tcpTable, 14, 13],
    ['udp', udpTable, 7, 14],
  ] as const) {
    const reached = new Set(rows.filter((row) => row.kind === kind).map(({ state }) => state));
    const asked = rows.find((row) => row.kind === kind)!;

    t.deepEqual(
      table.filter(([state]) => !reached.has(state)),
      [],
    );
    t.deepEqual([table.length, Object.keys(asked.calls).length], [states, calls]);
  }
  t.is(Object.keys(caseTable).length, 19);
});

test('What is said to differ from Linux differs', (t) => {
  const linux = new Map(Object.entries(linuxToCases));
  for (const { kind, state, linux: answers } of rows) {
    linux.set(`${kind} ${state}`, 'reached');
    for (const [call, answer] of Object.entries(answers)) linux.set(`${kind} ${state} ${call}`, answer);
  }

  const wrong = [...known].filter(([cell, ours]) => (linux.get(cell) ?? ours) === ours);
  t.deepEqual(wrong, []);
});
