/** The examples, run as a reader would run them. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';

const run = promisify(execFile);
const example = (name: string) => fileURLToPath(new URL(`../../examples/${name}`, import.meta.url));

test('lossy-transfer moves a megabyte at each rate of loss, and slower the more is lost', async (t) => {
  const { stdout } = await run(process.execPath, ['--import=tsx', example('lossy-transfer.ts')]);
  const lines = stdout.trim().split('\n');
  const times = lines.map((line) => Number(/ in ([\d.]+) s/.exec(line)?.[1]));

  t.is(lines.length, 4);
  for (const line of lines) t.regex(line, /: 1000000 octets in /);
  t.true(times[0]! < 1);
  t.true(times[3]! > times[0]!);
});

test('web-server answers Node’s own client', async (t) => {
  const { stdout } = await run(process.execPath, ['--import=tsx', example('web-server.ts')]);

  t.regex(stdout, /^you asked for \/tundra\n after \d+ ms\n$/);
});
