/** The command line as its user meets it, each time in a process of its own; nothing here needs a TUN. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { whyNoCommand } from '../tun/namespace.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

interface Ended {
  /** Null when it could not be started, or was killed. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(command: string, args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const options = { cwd: root, timeout: 30_000, killSignal: 'SIGKILL', maxBuffer: 2 ** 26 } as const;
    const child = execFile(command, args, options, (_, stdout, stderr) => {
      resolve({ code: child.exitCode, stdout, stderr });
    });
  });
}

/** `npm start -- ARGS` */
const tundra = (...args: string[]): Promise<Ended> => run(process.execPath, ['--import=tsx', 'tools/main.ts', ...args]);

interface Line {
  readonly at?: number;
  readonly packet?: string;
  readonly fate?: string;
  readonly page?: string;
  readonly summary?: {
    readonly seed: number;
    readonly packets: number;
    readonly lost: number;
    readonly retransmitted: number;
    readonly pageOctets: number;
    readonly trace: string;
  };
}

async function runInMemory(...args: string[]): Promise<{ lines: Line[]; page: string; summary: Line['summary'] & {} }> {
  const { stdout } = await tundra('--memory', '--json', ...args);
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
  return { lines, page: lines.at(-2)!.page!, summary: lines.at(-1)!.summary! };
}

async function temporaryFile(t: ExecutionContext, name: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'tundra-'));
  t.teardown(() => rm(directory, { recursive: true }));
  return join(directory, name);
}

test.serial('a run in memory prints its packets, the page and what happened, and ends with exit code 0', async (t) => {
  const { code, stdout, stderr } = await tundra('--memory', '--seed', '5');

  const [trace = '', page = '', end = '', ...more] = stdout
    .split('\n\n')
    .flatMap((part) => part.split(/(?<=<\/html>)\n/));
  t.deepEqual([code, stderr, more], [0, '', []]);
  for (const line of trace.split('\n'))
    t.regex(line, /^\d+\.\d{6} IP 10\.85\.0\.[12]\.\d+ > 10\.85\.0\.[12]\.\d+: Flags \[/);
  t.regex(trace, /^0\.000000 IP 10\.85\.0\.1\.\d+ > 10\.85\.0\.2\.80: Flags \[S\],/);
  t.regex(page, /^<!doctype html>/);
  t.regex(end, /^\d+ packets, \d+ of them lost, .*; seed 5, trace [0-9a-f]{16}\n$/);
});

test.serial('--sysctl is in force from the first packet on', async (t) => {
  const { lines } = await runInMemory('--sysctl', 'net.ipv4.tcp_sack=0');

  const answer = lines.find(({ packet }) => packet?.includes('Flags [S.]'))!.packet!;
  t.regex(answer, /options \[mss/);
  t.notRegex(answer, /sackOK/);
});

test.serial('the same seed prints the same, to the octet', async (t) => {
  const runs = await Promise.all([tundra('--memory', '--seed', '5'), tundra('--memory', '--seed', '5')]);

  t.true(runs[0].stdout.length > 1000);
  t.is(runs[0].stdout, runs[1].stdout);
});

test.serial('the seed is 1 when none is given, and another seed gives another trace', async (t) => {
  const [none, one, two] = await Promise.all([runInMemory(), runInMemory('--seed', '1'), runInMemory('--seed', '2')]);

  t.is(none.summary.seed, 1);
  t.is(none.summary.trace, one.summary.trace);
  t.not(two.summary.trace, one.summary.trace);
});

test.serial('with --json every line is an object: the packets, the page, the summary', async (t) => {
  const { lines, page, summary } = await runInMemory('--seed', '3');

  const packets = lines.slice(0, -2);
  t.true(packets.every(({ at, packet, fate }) => Number.isInteger(at) && /^IP /.test(packet!) && fate !== undefined));
  t.is(packets.length, summary.packets);
  t.is(packets.filter(({ fate }) => fate !== 'sent').length, summary.lost);
  t.is(Buffer.byteLength(page), summary.pageOctets);
  t.is(summary.seed, 3);
});

test.serial('a page whose packets get lost arrives whole all the same', async (t) => {
  let seed = 1;
  let { page, summary } = await runInMemory('--seed', String(seed));
  while (summary.retransmitted === 0 && seed < 100) ({ page, summary } = await runInMemory('--seed', String(++seed)));

  t.log(`seed ${seed}`);
  t.true(summary.retransmitted > 0 && summary.lost > 0);
  t.regex(page, /^<!doctype html>[\s\S]*<\/html>\n$/);
});

for (const [command, args] of [
  ['tcpdump', []],
  ['tshark', ['-o', 'tcp.check_checksum:TRUE', '-Y', 'tcp.checksum.status == 1']],
] as const) {
  const missing = whyNoCommand(command);
  if (missing !== undefined) console.warn(`A CAPTURE IN MEMORY WAS NOT READ: ${missing}`);

  test.serial(`--pcap writes a file in which ${command} reads every packet that entered the link`, async (t) => {
    const file = await temporaryFile(t, 'memory.pcapng');

    const { summary } = await runInMemory('--seed', '1', '--pcap', file);

    t.is((await readFile(file)).readUInt32BE(0), 0x0a0d0d0a); // a section header block, as pcapng begins
    if (missing !== undefined) return t.log(`was not read: ${missing}`);
    const { code, stdout, stderr } = await run(command, ['-nr', file, ...args]);
    t.is(code, 0, stderr);
    t.is(stdout.trimEnd().split('\n').length, summary.packets);
  });
}

test.serial('whoever reads the trace may stop reading', async (t) => {
  const start = `'${process.execPath}' --import=tsx tools/main.ts --memory`;
  const { code, stdout, stderr } = await run('bash', ['-o', 'pipefail', '-c', `${start} | head -n 1`]);

  t.is(stderr, '');
  t.is(code, 0);
  t.is(stdout.trimEnd().split('\n').length, 1);
});

test.serial('--help, or -h, lists the commands and options', async (t) => {
  const [long, short] = await Promise.all([tundra('--help'), tundra('-h')]);

  t.deepEqual(short, long);
  t.deepEqual([long.code, long.stderr], [0, '']);
  t.regex(long.stdout, /^usage: npm start -- /);
  t.regex(long.stdout, /^commands:\n {2}host +\w[\s\S]*\n {2}get URL +\w/m);
  for (const option of ['tun NAME', 'address CIDR', 'peer CIDR', 'mtu N', 'memory', 'pcap FILE', 'seed N', 'json']) {
    t.regex(long.stdout, new RegExp(`^  --${option} +\\w`, 'm'));
  }
});

// In memory, or with a name that no TUN can have: should one of them be taken for right, no interface comes of it.
for (const [args, complaint] of [
  ['--memory --nonsense', /--nonsense/],
  ['nonsense --memory', /no command 'nonsense'/],
  ['host nonsense --memory', /nonsense/],
  ['--memory --mtu', /--mtu/],
  ['--memory --mtu 67', /--mtu .* 68 .*'67'/],
  ['--memory --mtu 65536', /--mtu .* 65535, .*'65536'/],
  ['--memory --mtu 1e3', /'1e3'/],
  ['--memory --seed -1', /--seed/],
  ['--memory --seed=-1', /'-1'/],
  ['--memory --seed 9007199254740992', /'9007199254740992'/],
  ['--memory --address 10.85.0.2/33', /prefix length.*'10\.85\.0\.2\/33'/],
  ['--memory --address fd00::2', /prefix length.*'fd00::2'/],
  ['--memory --address fd00::2/64', /two addresses of one network/],
  ['--memory --address 10.85.0.2', /prefix length.*'10\.85\.0\.2'/],
  ['--memory --peer 10.85.0.1', /prefix length.*'10\.85\.0\.1'/],
  ['--memory --peer 10.86.0.1/24', /two addresses of one network/],
  ['--memory --address 10.85.0.1/24', /two addresses of one network/],
  ['--memory --peer 10.85.0.256/24', /'10\.85\.0\.256\/24'/],
  ['--tun lo --memory=yes', /--memory/],
  ['--memory --pcap /nonexistent/file', /\/nonexistent\/file/],
  ['get --tun lo', /'get' takes one URL/],
  ['get --tun lo http://10.85.0.1/ http://10.85.0.1/', /'get' takes one URL/],
  ['get --tun lo https://10.85.0.1/', /https:\/\/10\.85\.0\.1\//],
  ['get --tun lo nowhere', /'nowhere'/],
  ['get --memory --tun lo http://10.85.0.1/', /in memory/],
] as const) {
  test.serial(`'${args}' is told what is wrong with it in one line, with exit code 1`, async (t) => {
    const { code, stderr } = await tundra(...args.split(' '));

    t.is(code, 1);
    t.regex(stderr, complaint);
    t.regex(stderr, /^tundra: [^\n]+\n$/);
  });
}
