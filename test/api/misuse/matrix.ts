/** The tables, the ways into their states and their calls together: what is asked, and what Linux answers. */
import { type Make, tcpCalls, udpCalls } from './calls.ts';
import { cases, moreCases } from './cases.ts';
import { moreTcpStates, moreUdpStates } from './more-states.ts';
import type { Answer, World } from './sockets.ts';
import { type Reach, tcpStates, udpStates, type Ways } from './states.ts';
import { caseTable, moreCaseTable, moreTcpTable, moreUdpTable, type Row, tcpTable, udpTable } from './table.ts';

/** A state, reached in one way. */
interface Asked {
  /** 'TCP socket in state estab (connected)' */
  readonly what: string;
  readonly kind: 'tcp' | 'udp';
  readonly state: string;
  readonly linux: Readonly<Record<string, Answer>>;
  readonly reach: Reach;
  readonly calls: Readonly<Record<string, Make>>;
}

const rowsOf = (
  kind: 'tcp' | 'udp',
  table: readonly Row[],
  states: Ways,
  calls: Readonly<Record<string, Make>>,
): Asked[] =>
  table.flatMap(([state, linux]) => {
    const ways = states[state];
    if (ways === undefined) throw new Error(`nothing leads to ${state}`);
    return Object.entries(ways).map(([way, reach]) => ({
      what: `${kind.toUpperCase()} socket in state ${state}${way === '' ? '' : ` (${way})`}`,
      kind,
      state,
      linux,
      reach,
      calls,
    }));
  });

export const rows: readonly Asked[] = [
  ...rowsOf('tcp', tcpTable, tcpStates, tcpCalls),
  ...rowsOf('udp', udpTable, udpStates, udpCalls),
  ...rowsOf('tcp', moreTcpTable, moreTcpStates, tcpCalls),
  ...rowsOf('udp', moreUdpTable, moreUdpStates, udpCalls),
];

/** Somewhere to have the sockets of one question, which `leave` gives back. */
type Enter = (question: string) => { readonly world: World; readonly leave: () => Promise<void> };

/** What is thrown is an answer too, which no table has: the other questions are still asked. */
async function inWorld(
  question: string,
  enter: Enter,
  use: (world: World) => Answer | Promise<Answer>,
): Promise<Answer> {
  const { world, leave } = enter(question);
  try {
    return await use(world);
  } catch (error) {
    return String(error);
  } finally {
    await leave();
  }
}

/** Makes each call of a row on a fresh socket that is in the row's state. */
export async function answersIn({ reach, calls }: Asked, enter: Enter): Promise<Record<string, Answer>> {
  const answers: Record<string, Answer> = {};
  for (const [name, make] of Object.entries(calls)) {
    answers[name] = await inWorld(name, enter, async (world) => make(await reach(world), world));
  }
  return answers;
}

/** What Linux answers to each of the single cases. */
export const linuxToCases: Readonly<Record<string, Answer>> = { ...caseTable, ...moreCaseTable };

/** Asks each of the single cases. */
export async function answersToCases(enter: Enter): Promise<Record<string, Answer>> {
  const answers: Record<string, Answer> = {};
  for (const [name, make] of Object.entries({ ...cases, ...moreCases }))
    answers[name] = await inWorld(name, enter, make);
  return answers;
}

type Answers = Readonly<Record<string, Answer>>;

/** The answers that are not the wanted ones: 'recv: EOF, not EAGAIN'. What was not asked is 'undefined'. */
export const differing = (answers: Answers, wanted: Answers): string[] =>
  [...new Set([...Object.keys(wanted), ...Object.keys(answers)])]
    .filter((call) => answers[call] !== wanted[call])
    .map((call) => `${call}: ${answers[call]}, not ${wanted[call]}`);
