/**
 * Random calls, faults and steps of time on two hosts, against the model of stream-model.ts, with the invariants of
 * src/sim on. A failure tells its seed: it goes to `regressions`, and its smallest case to found.test.ts.
 * TUNDRA_RUNS=20000 runs longer.
 */
import test from 'ava';
import fc from 'fast-check';
import { type Command, commands, finish, openFirst } from './stream-commands.ts';
import { Model, World } from './stream-model.ts';

const { TUNDRA_RUNS = '1000' } = process.env;
const runs = Number(TUNDRA_RUNS);

/** Seeds whose runs have found something. */
const regressions = [-1029619137, -1144929082, 992488907, -887777846, 1076301539, 1937650576, -1699013982] as const;

const anyRun = [
  fc.commands(commands, { maxCommands: 100, size: 'max' }),
  fc.integer({ min: 1, max: 1 << 30 }),
  fc.boolean(),
] as const;

/** Does it all. Returns the fingerprint of what was sent. */
async function play(list: Iterable<Command>, seed: number, isOpen: boolean): Promise<number | undefined> {
  const world = await World.make(seed);
  const model = new Model();
  if (isOpen) await openFirst(model, world);
  await fc.asyncModelRun(() => ({ model, real: world }), list);
  await finish(model, world);
  return world.pair.network.invariants?.fingerprint;
}

const property = fc.asyncProperty(...anyRun, async (...run) => {
  await play(...run);
});

test(`${runs} runs of random calls and faults: every stream arrives whole, and nothing is left`, async (t) => {
  await t.notThrowsAsync(fc.assert(property, { numRuns: runs, includeErrorInReport: true }));
});

for (const seed of regressions) {
  test(`40 runs from seed ${seed} on, which has found something`, async (t) => {
    await t.notThrowsAsync(fc.assert(property, { seed, numRuns: 40, includeErrorInReport: true }));
  });
}

test('invariant 11: the same calls, faults and seed give the same packets at the same times', async (t) => {
  const twice = fc.asyncProperty(...anyRun, async (...run) => {
    t.is(await play(...run), await play(...run));
  });
  await t.notThrowsAsync(fc.assert(twice, { numRuns: 40 }));
});
