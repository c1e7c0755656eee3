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
  { why: 'a port that was given back is not told any more', ours: { 'TCP port of a listener after shut RD': '0' } },
  {
    why: 'streams are bound to addresses of the host only: one that it cannot be reached at is of no use to them',
    ours: { 'TCP bind multicast': 'EADDRNOTAVAIL', 'TCP bind broadcast': 'EADDRNOTAVAIL' },
  },
  { why: 'nothing is sent to port 0, which nobody has', ours: { 'UDP connect port 0, then send': 'EINVAL' } },
  { why: 'a connection without a hop to go reaches nobody', ours: { 'IPV6_UNICAST_HOPS 0': 'EINVAL' } },
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
