/** Every packet script of test/scripts against our stack, in virtual time. test/tun/scripts-kernel.test.ts is the other half. */
import test from 'ava';
import { type Family, OurTarget, parseScript, playScript, type Script } from '../src/script/index.ts';
import { overlapScripts } from './helpers/overlaps.ts';
import { readDifferences, readSuite } from './helpers/scripts.ts';

const suite = readSuite();
const differences = readDifferences();

/** What went wrong, or null. */
async function playOurs(script: Script, family: Family): Promise<string | null> {
  let target: OurTarget;
  try {
    target = new OurTarget(script.headers);
  } catch (error) {
    return (error as Error).message;
  }
  const outcome = await playScript(script, target, { family });
  return outcome.ok ? null : `${script.file}:${outcome.line}: ${outcome.message}`;
}

for (const { name, script } of suite) {
  if (script.headers.only?.target === 'kernel') continue;
  const isKnown = differences.get(name)?.differs === 'stack';
  for (const family of script.headers.families) {
    const title = isKnown ? 'still ends differently, as docs/differences.md says' : 'goes as it is written';
    test(`${name} over IPv${family} ${title}`, async (t) => {
      const wrong = await playOurs(script, family);

      if (!isKnown) return t.is(wrong, null, wrong ?? undefined);
      return t.not(wrong, null, 'it goes as it is written now: take it out of docs/differences.md');
    });
  }
}

for (const [segments, count] of [
  [2, 13],
  [3, 409],
] as const) {
  test(`each of the ${count} overlaps of ${segments} segments beyond a gap is put together (SHLD-31)`, async (t) => {
    const scripts = overlapScripts(segments);
    t.is(scripts.length, count);
    for (const { name, text } of scripts) t.is(await playOurs(parseScript(name, text), 4), null);
  });
}

test('docs/differences.md names scripts that there are', (t) => {
  const names = new Set(suite.map(({ name }) => name));

  t.deepEqual(
    [...differences.keys()].filter((name) => !names.has(name)),
    [],
  );
});
