/**
 * AF_UNIX of ours against the kernel's: every call in every state, and random calls, have to be answered alike. It takes
 * neither root nor a TUN, only the kernel. Streams that wait, and sizes of queues, are test/api/unix.test.ts's matter.
 */
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { cell, type UnixDifference, unixDifferences } from '../api/misuse/unix-differences.ts';
import { KernelUnix } from '../api/misuse/unix-kernel.ts';
import { unixAnswersIn, unixStates } from '../api/misuse/unix-matrix.ts';
import { enterOurs } from '../api/misuse/unix-ours.ts';
import { anySteps, type Step, takeSteps } from '../api/misuse/unix-random.ts';
import type { EnterUnix } from '../api/misuse/unix-sockets.ts';

const { TUNDRA_RUNS = '1000' } = process.env;
const runs = Number(TUNDRA_RUNS);

const missing = process.platform === 'linux' ? undefined : 'this is not Linux';
if (missing !== undefined) console.warn(`THE KERNEL WAS NOT ASKED ABOUT AF_UNIX: ${missing}`);

function kernelTest(title: string, body: (t: ExecutionContext, enter: EnterUnix) => Promise<void>): void {
  test.serial(title, async (t) => {
    if (missing !== undefined) {
      t.log(`did not run: ${missing}`);
      return t.pass();
    }
    const kernel = await KernelUnix.make();
    try {
      return await body(t, kernel.enter);
    } finally {
      kernel.close();
    }
  });
}

/** What is known to differ that has been seen to differ, and how many states have been asked. */
const seen = new Set<UnixDifference>();
let statesAsked = 0;

for (const { kind, state } of unixStates) {
  kernelTest(`AF_UNIX, a ${kind} socket, ${state}: every call ends as the kernel's does`, async (t, enter) => {
    const linux = await unixAnswersIn({ kind, state }, enter);
    const ours = await unixAnswersIn({ kind, state }, enterOurs);

    const differing = [...linux]
      .filter(([call, answer]) => ours.get(call) !== answer)
      .map(([call, answer]) => cell(kind, state, call, answer, ours.get(call) ?? 'not asked'));
    const isKnown = (line: string): boolean => {
      const known = unixDifferences.find(({ where }) => where.test(line));
      if (known !== undefined) seen.add(known);
      return known !== undefined;
    };
    t.deepEqual(
      differing.filter((line) => !isKnown(line)),
      [],
    );
    statesAsked++;
  });
}

kernelTest('AF_UNIX: what is said to differ from the kernel differs', async (t) => {
  const wrong = unixDifferences.filter((difference) => !seen.has(difference)).map(({ why }) => why);
  t.deepEqual(statesAsked === unixStates.length ? wrong : [], []);
});

/** Takes the steps on both. @throws Error the first one that is answered differently */
async function compare(steps: readonly Step[], enter: EnterUnix): Promise<void> {
  const [kernel, own] = [enter(), enterOurs()];
  try {
    const linux = await takeSteps(steps, kernel.world);
    const ours = await takeSteps(steps, own.world);
    const first = linux.findIndex((answer, index) => ours[index] !== answer);
    if (first < 0) return;
    throw new Error([...linux.slice(0, first), `Linux ${linux[first]}`, `ours  ${ours[first]}`].join('\n'));
  } finally {
    await kernel.leave();
    await own.leave();
  }
}

kernelTest(
  `AF_UNIX, ${runs} runs of random calls: each answer, and what poll tells, is the kernel's`,
  async (t, enter) => {
    const property = fc.asyncProperty(anySteps, (steps) => compare(steps, enter));

    await t.notThrowsAsync(fc.assert(property, { numRuns: runs, includeErrorInReport: true }));
  },
);
