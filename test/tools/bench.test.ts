/** The benchmarks' own parts, and that they run; what they measure is no matter of tests. */
import { execFile, execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { median } from '../../tools/bench/median.ts';
import { parseOptions } from '../../tools/bench/options.ts';
import { figure, table } from '../../tools/bench/table.ts';
import { whyNoCommand, whyNoTun } from '../tun/namespace.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

interface Ended {
  readonly pid: number;
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** `npm run bench -- ARGS` */
function bench(...args: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const options = { cwd: root, timeout: 60_000 } as const;
    const child = execFile(
      process.execPath,
      ['--import=tsx', 'tools/bench/main.ts', ...args],
      options,
      (_, stdout, stderr) => resolve({ pid: child.pid ?? 0, code: child.exitCode, stdout, stderr }),
    );
  });
}

test('the median is the value in the middle, or half way between the two there', (t) => {
  t.is(median([3]), 3);
  t.is(median([10, 9, 100]), 10);
  t.is(median([4, 1, 100, 2]), 3);
  t.is(median([]), Number.NaN);
});

test('a median leaves the values in their order', (t) => {
  const values = [3, 1, 2];

  median(values);

  t.deepEqual(values, [3, 1, 2]);
});

test('a figure has as many digits as say something', (t) => {
  t.deepEqual([31_556.4, 1000, 99.96, 11.84, 0.8231, 0].map(figure), [
    '31,556',
    '1,000',
    '100.0',
    '11.8',
    '0.82',
    '0.00',
  ]);
  t.is(figure(Number.NaN), '-');
});

test('a table has its numbers to the right and its words to the left', (t) => {
  const text = table(
    ['way', 'Mbit/s', 'MTU'],
    [
      ['in', '5,177', '1500'],
      ['outwards', '-', '65535'],
    ],
  );

  t.is(text, ['  way       Mbit/s    MTU', '  in         5,177   1500', '  outwards       -  65535', ''].join('\n'));
});

test('rows are wanted unless something that excludes them is asked for', (t) => {
  const { names, options } = parseOptions(['tun', '--ipv4', '--no-offload', '--mtu', '1500', '--runs', '3']);

  t.deepEqual(names, ['tun']);
  t.deepEqual([options.wants('ipv4'), options.wants('ipv6')], [true, false]);
  t.deepEqual([options.wants('no-offload'), options.wants('offload')], [true, false]);
  t.deepEqual([options.wants('in'), options.wants('out')], [true, true]);
  t.deepEqual([options.mtus, options.runs, options.seconds], [[1500], 3, null]);
});

test('runs and seconds are numbers above nothing', (t) => {
  t.throws(() => parseOptions(['tun', '--runs', '0']), { instanceOf: TypeError, message: /--runs/ });
  t.throws(() => parseOptions(['tun', '--seconds', 'two']), { instanceOf: TypeError, message: /--seconds/ });
});

test('the help lists every benchmark and option', async (t) => {
  const { code, stdout } = await bench('--help');

  t.is(code, 0);
  for (const name of ['core', 'tun', 'latency', 'connections', 'memory', 'sim', 'blocking', 'loss', 'fairness'])
    t.regex(stdout, new RegExp(`^  ${name} +\\S`, 'm'));
  for (const option of ['json', 'runs', 'seconds', 'mtu', 'connections', 'profile', 'no-offload', 'same-cpu'])
    t.regex(stdout, new RegExp(`--${option}\\b`));
});

test('an option that there is not is told in a line', async (t) => {
  const { code, stderr } = await bench('--nonsense');

  t.is(code, 1);
  t.regex(stderr, /^bench: .*--nonsense.*\n$/);
});

test('a benchmark that there is not is answered by the help, and fails', async (t) => {
  const { code, stdout } = await bench('nonsense');

  t.is(code, 1);
  t.regex(stdout, /usage/);
});

const whyNot = whyNoTun() ?? whyNoCommand('cc');
if (whyNot !== undefined) console.warn(`NO BENCHMARK RAN OVER A TUN: ${whyNot}`);

test('our host and the kernel are measured side by side, and nothing is left behind', async (t) => {
  if (whyNot !== undefined) {
    t.log(`did not run: ${whyNot}`);
    t.pass();
    return;
  }
  const { pid, code, stdout, stderr } = await bench(
    ...['tun', '--json', '--mtu', '1500', '--ipv4', '--in', '--no-offload', '--runs', '1', '--seconds', '0.1'],
  );

  t.is(code, 0, stderr);
  const { tun } = JSON.parse(stdout) as { tun: { megabits: Record<'ours' | 'reference' | 'ratio', number> }[] };
  t.is(tun.length, 1);
  t.true(tun[0]!.megabits.ours > 0 && tun[0]!.megabits.reference > 0);
  t.is(tun[0]!.megabits.ratio, tun[0]!.megabits.ours / tun[0]!.megabits.reference);
  t.notRegex(execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' }), new RegExp(`^tb-${pid}-`, 'm'));
});
