/** `npm start -- script` as its user meets it, in a process of its own. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { parseDifferences } from '../helpers/scripts.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Plays these texts as files a.pkt, b.pkt ... of an empty directory, whose name is left out of what is printed. */
async function script(t: ExecutionContext, texts: readonly string[], ...options: string[]): Promise<Ended> {
  const directory = await mkdtemp(join(tmpdir(), 'tundra-'));
  t.teardown(() => rm(directory, { recursive: true }));
  const files = texts.map((_, index) => join(directory, `${'abc'[index]}.pkt`));
  await Promise.all(files.map((file, index) => writeFile(file, texts[index]!)));
  const args = ['--import=tsx', 'tools/main.ts', 'script', ...files, ...options];
  return new Promise((resolve) => {
    const child = execFile(process.execPath, args, { cwd: root }, (_, stdout, stderr) => {
      const plain = (text: string) => text.replaceAll(`${directory}/`, '').replace(/[\d.]+ ms/g, 'N ms');
      resolve({ code: child.exitCode, stdout: plain(stdout), stderr: plain(stderr) });
    });
  });
}

const good = `family both
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 listen(3, 1) = 0
`;

test('scripts that go well say so, one line each, and the exit code is 0', async (t) => {
  const { code, stdout, stderr } = await script(t, [good, good.replace('family both', '')]);

  t.is(stdout, 'ok a.pkt (ipv4, stack, N ms)\nok a.pkt (ipv6, stack, N ms)\nok b.pkt (ipv4, stack, N ms)\n');
  t.is(stderr, '');
  t.is(code, 0);
});

test('a script that does not go well says where and why, the others go on, and the exit code is 1', async (t) => {
  const bad = good.replace('3, 1) = 0', '3, 1) = -1 EINVAL (Invalid argument)');
  const { code, stdout } = await script(t, [bad, good], '--family', '4');

  t.is(
    stdout,
    'not ok a.pkt:3: returned 0 instead of -1 EINVAL: +0 listen(3, 1) = -1 EINVAL (Invalid argument) (ipv4, stack)\n' +
      'ok b.pkt (ipv4, stack, N ms)\n',
  );
  t.is(code, 1);
});

test('--sysctl has the last word, after what the script says', async (t) => {
  const asks = `sysctl net.ipv4.tcp_sack=1
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 1000 <mss 1000,sackOK>
+0 > S. 0:0(0) ack 1 <mss any,nop,nop,sackOK>
`;
  const [plain, without] = [await script(t, [asks]), await script(t, [asks], '--sysctl', 'net.ipv4.tcp_sack=0')];

  t.is(plain.code, 0, plain.stdout);
  t.is(without.code, 1);
  t.regex(without.stdout, /another packet: options/);
});

test('what is no script is told with its place before anything is played, and the exit code is 2', async (t) => {
  const { code, stdout, stderr } = await script(t, [good, 'mtu 1200\n0 listne(3, 1) = 0']);

  t.is(stdout, '');
  t.is(stderr, "b.pkt:2:3: there is no call 'listne'\n");
  t.is(code, 2);
});

test('a script for the other one is skipped, with its reason', async (t) => {
  const { code, stdout } = await script(t, [`only kernel because of this\n0 listen(3, 1) = 0`]);

  t.is(stdout, 'skipped a.pkt (not for the stack: because of this)\n');
  t.is(code, 0);
});

test('-v prints events and packets, --json objects', async (t) => {
  const text = '0 < S 0:0(0) win 5 <mss 1000>\n+0 > R. 0:0(0) ack 1';
  const verbose = await script(t, [text], '-v');
  const json = await script(t, [text, text.replace('> R.', '> R')], '--json');

  t.regex(
    verbose.stdout,
    /^0\.000000 0 < S 0:0\(0\) win 5 <mss 1000>\n0\.000000 > R\. 0:0\(0\) ack 1 win 0\nok a\.pkt/,
  );
  const [first, second] = json.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  t.like(first, { file: 'a.pkt', family: 4, against: 'stack', ok: true });
  t.like(second, { file: 'b.pkt', ok: false, line: 2 });
});

test('wrong options and files that are not there are told in one line', async (t) => {
  t.regex((await script(t, [good], '--against', 'moon')).stderr, /^tundra: --against is stack or kernel, not 'moon'/);
  t.regex((await script(t, [good], '--family', '5')).stderr, /^tundra: --family is 4 or 6, not '5'/);
  t.regex((await script(t, [], 'nowhere.pkt')).stderr, /^tundra: ENOENT: .*nowhere\.pkt/);
  t.regex((await script(t, [])).stderr, /^tundra: script needs the names of files/);
});

test('the table of differences is read row by row, and what is no row is refused', (t) => {
  const table = '# Title\n\n| script | differs | reason |\n|---|---|---|\n| a/b.pkt | stack | so |\n';

  t.deepEqual([...parseDifferences(table)], [['a/b.pkt', { differs: 'stack', reason: 'so' }]]);
  t.throws(() => parseDifferences(table.replace('stack', 'both')), { message: /not a script, a side and a reason/ });
  t.throws(() => parseDifferences(table.replace('| so |', '| |')), { message: /not a script, a side and a reason/ });
});
