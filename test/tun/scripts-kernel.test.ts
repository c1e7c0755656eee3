/**
 * Every packet script of test/scripts against the Linux kernel, in real time, many at once by one process: they say what
 * the kernel does, not what we think it does.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { overlapScripts } from '../helpers/overlaps.ts';
import { readDifferences, readSuite } from '../helpers/scripts.ts';
import { whyNoTun } from './namespace.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const missing = whyNoTun();
if (missing !== undefined) console.warn(`THE SCRIPTS DID NOT RUN AGAINST THE KERNEL: ${missing}`);

interface Line {
  readonly file: string;
  readonly family: number;
  readonly ok: boolean;
  readonly line?: number;
  readonly message?: string;
}

const suite = readSuite().filter(({ script }) => script.headers.only?.target !== 'stack');
const differences = readDifferences();
let results: Promise<ReadonlyMap<string, Line>> | undefined;

/** Plays all of them, once. */
function playAll(): Promise<ReadonlyMap<string, Line>> {
  results ??= play(suite.map(({ script }) => script.file));
  return results;
}

function play(files: readonly string[]): Promise<ReadonlyMap<string, Line>> {
  return new Promise((resolve, reject) => {
    const args = ['--import=tsx', 'tools/main.ts', 'script', '--against', 'kernel', '--json', ...files];
    execFile(process.execPath, args, { cwd: root, maxBuffer: 2 ** 26 }, (_, stdout, stderr) => {
      if (stdout === '') return reject(new Error(stderr));
      const lines = stdout.trimEnd().split('\n');
      const all = lines.map((line) => JSON.parse(line) as Line);
      return resolve(new Map(all.map((each) => [`${each.file} ${each.family}`, each])));
    });
  });
}

test('the overlaps of two and of three segments are put together by the kernel as by us', async (t) => {
  if (missing !== undefined) {
    t.log(`did not run: ${missing}`);
    t.pass();
    return;
  }
  await playAll().catch(() => {}); // both at once would disturb each other
  const folder = mkdtempSync(join(tmpdir(), 'tundra-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const scripts = ([2, 3] as const).flatMap(overlapScripts);
  const files = scripts.map(({ name, text }) => {
    const file = join(folder, `${name}.pkt`);
    writeFileSync(file, text);
    return file;
  });

  const played = [...(await play(files)).values()];

  t.is(played.length, scripts.length);
  t.deepEqual(
    played.filter(({ ok }) => !ok),
    [],
  );
});

for (const { name, script } of suite) {
  const isKnown = differences.get(name)?.differs === 'kernel';
  for (const family of script.headers.families) {
    const title = isKnown ? 'still ends differently, as docs/differences.md says' : 'goes as it is written';
    test(`${name} over IPv${family} against the kernel ${title}`, async (t) => {
      if (missing !== undefined) {
        t.log(`did not run: ${missing}`);
        return t.pass();
      }
      const result = (await playAll()).get(`${script.file} ${family}`);

      const wrong = result?.ok === true ? null : `${script.file}:${result?.line}: ${result?.message}`;
      if (!isKnown) return t.is(wrong, null, wrong ?? undefined);
      return t.not(wrong, null, 'it goes as it is written now: take it out of docs/differences.md');
    });
  }
}
