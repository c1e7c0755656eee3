/**
 * Each call in each state on sockets of ours, in virtual time, against what Linux answers (requirement 4.6). The kernel is
 * asked the same by test/tun/misuse-kernel.test.ts.
 */
import test from 'ava';
import { answersIn, answersToCases, caseTable, rows } from './matrix.ts';
import { ourWorld } from './our-sockets.ts';
import { tcpTable, udpTable } from './table.ts';

interface Difference {
  readonly ours: string;
  readonly why: string;
}

/** Where we do not answer as Linux does: 'tcp estab recv', 'udp fresh bind(0)' or the name of a case. */
const known: Readonly<Record<string, Difference>> = {
  'tcp both_fin bind(0)': { ours: 'EINVAL', why: 'a socket that has had a connection is not bound again' },
  'tcp got_rst bind(0)': { ours: 'EINVAL', why: 'the same' },
  'tcp refused bind(0)': { ours: 'EINVAL', why: 'the same' },
  'udp connected_port_unreachable sendto 255.255.255.255': {
    ours: 'ECONNREFUSED',
    why: 'what an earlier datagram has drawn is told before it is looked whether broadcasting is allowed',
  },
  'udp shut_wr sendto 255.255.255.255': { ours: 'EPIPE', why: 'likewise that nothing can be sent any more' },
  'udp shut_rd recv': { ours: 'EOF', why: 'the end is told also to those who do not wait' },
  'AF_INET6 connect to v4-mapped with V6ONLY': { ours: 'ok', why: 'connecting does not look at IPV6_V6ONLY' },
};

/** Linux does send a SYN to port 0, to be refused. Packets of a simulation have ports, unless that is not looked at. */
const enter = (question: string) => ({
  world: ourWorld({ invariants: question !== 'TCP connect port 0' }),
  leave: async () => {},
});

/** What we have to answer: what Linux does, but for the known differences. */
const expected = (prefix: string, linux: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(linux).map(([call, answer]) => [call, known[prefix + call]?.ours ?? answer]));

for (const row of rows) {
  test(`On a ${row.what} every call ends as it does on Linux (4.6)`, async (t) => {
    const answers = await answersIn(row, enter);

    t.deepEqual(answers, expected(`${row.kind} ${row.state} `, row.linux));
  });
}

test('Options and addresses that cannot be are refused as Linux refuses them (4.6)', async (t) => {
  const answers = await answersToCases(enter);

  t.deepEqual(answers, expected('', caseTable));
});

test('Every state of the tables is reached: 14 of TCP in 13 calls, 7 of UDP in 14, and 19 cases', (t) => {
  const reached = (kind: string) => [...new Set(rows.filter((row) => row.kind === kind).map(({ state }) => state))];
  const calls = (kind: string) => Object.keys(rows.find((row) => row.kind === kind)!.calls);

  t.deepEqual(
    reached('tcp'),
    tcpTable.map(([state]) => state),
  );
  t.deepEqual(
    reached('udp'),
    udpTable.map(([state]) => state),
  );
  t.deepEqual([reached('tcp').length, calls('tcp').length], [14, 13]);
  t.deepEqual([reached('udp').length, calls('udp').length], [7, 14]);
  t.is(Object.keys(caseTable).length, 19);
});

test('Every known difference is one', (t) => {
  const linux = new Map(Object.entries(caseTable));
  for (const { kind, state, linux: answers } of rows) {
    for (const [call, answer] of Object.entries(answers)) linux.set(`${kind} ${state} ${call}`, answer);
  }

  for (const [cell, { ours }] of Object.entries(known)) {
    t.true(linux.has(cell), cell);
    t.not(ours, linux.get(cell), cell);
  }
  t.pass();
});
