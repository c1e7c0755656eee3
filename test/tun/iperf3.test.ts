/**
 * `npm start -- iperf3` with Debian's iperf3 at the other end, over a TUN interface: its client with our server, its server
 * with our client, and the keys of both JSON reports side by side.
 */
import test, { type ExecutionContext } from 'ava';
import { type Ended, Namespace, type Running, whyNoCommand, whyNoTun } from './namespace.ts';

const OURS = '10.85.0.2';
const KERNEL = '10.85.0.1';

const why = whyNoTun() ?? whyNoCommand('iperf3');
if (why !== undefined) console.warn(`THE TESTS WITH IPERF3 DID NOT RUN: ${why}`);

function iperf3Test(title: string, body: (t: ExecutionContext) => Promise<void>): void {
  test.serial(title, async (t) => {
    if (why === undefined) return body(t);
    t.log(`did not run: ${why}`);
    t.pass();
  });
}

/** A namespace with a server in it, made anew before the old one reaches the age at which tests' processes are killed. */
class Served {
  readonly #start: (namespace: Namespace) => Running;
  #namespace: Namespace | null = null;
  #since = 0;

  constructor(start: (namespace: Namespace) => Running) {
    this.#start = start;
  }

  async namespace(): Promise<Namespace> {
    if (this.#namespace !== null && Date.now() - this.#since < 15_000) return this.#namespace;
    await this.remove();
    this.#since = Date.now();
    this.#namespace = await Namespace.make();
    await this.#start(this.#namespace).says(/Server listening on 5201/);
    return this.#namespace;
  }

  async remove(): Promise<void> {
    const namespace = this.#namespace;
    this.#namespace = null;
    await namespace?.remove();
  }
}

const ours = new Served((namespace) => namespace.startTundra('iperf3', '-s'));
const theirs = new Served((namespace) => {
  return namespace.start('sh', ['-c', 'ip link set lo up && exec iperf3 -s --forceflush']);
});

test.after.always(() => Promise.all([ours.remove(), theirs.remove()]));

/** Debian's client with our server. */
const theirClient = async (...args: string[]): Promise<Ended> =>
  (await ours.namespace()).run('iperf3', ['-c', OURS, ...args]);

/** Our client with Debian's server. */
const ourClient = async (...args: string[]): Promise<Ended> =>
  (await theirs.namespace()).startTundra('iperf3', '-c', KERNEL, ...args).ended;

const clients = [
  ["Debian's client with our server", theirClient],
  ["our client with Debian's server", ourClient],
] as const;

interface Flow {
  readonly bytes: number;
  readonly bits_per_second: number;
  readonly packets?: number;
  readonly lost_packets?: number;
}

interface Report {
  readonly error?: string;
  readonly start: { readonly connected: readonly unknown[]; readonly test_start: Readonly<Record<string, unknown>> };
  readonly intervals: readonly unknown[];
  readonly end: {
    readonly streams: readonly unknown[];
    readonly sum?: Flow;
    readonly sum_sent: Flow;
    readonly sum_received: Flow;
  };
}

function reportOf(t: ExecutionContext, { code, stdout, stderr }: Ended): Report {
  t.is(code, 0, stderr);
  const report = JSON.parse(stdout.toString()) as Report;
  t.is(report.error, undefined);
  return report;
}

/** What has come is what was sent, but for what was on its way in the end. */
function agrees(t: ExecutionContext, { end }: Report): void {
  const { sum_sent: sent, sum_received: received } = end;
  t.true(received.bytes > 0 && received.bytes <= sent.bytes, `${received.bytes} of ${sent.bytes}`);
}

for (const [who, run] of clients) {
  for (const args of [
    ['-t', '1'],
    ['-t', '1', '-R'],
    ['-t', '1', '-P', '4'],
    ['-t', '1', '-P', '4', '-R'],
  ]) {
    iperf3Test(`${who} measures TCP: ${args.join(' ')}`, async (t) => {
      const report = reportOf(t, await run('-J', ...args));

      agrees(t, report);
      t.is(report.end.streams.length, args.includes('-P') ? 4 : 1);
      // Less than a tenth of it would be a fault, on any machine.
      t.true(report.end.sum_received.bits_per_second > 10e6, `${report.end.sum_received.bits_per_second}`);
    });
  }

  iperf3Test(`${who} measures both directions at once`, async (t) => {
    const { code, stdout, stderr } = await run('-t', '1', '--bidir', '-b', '20M');

    t.is(code, 0, stderr);
    t.regex(stdout.toString(), /\[TX-C\].* sender\n[\s\S]*\[RX-C\].* receiver\n/);
  });

  iperf3Test(`${who} sends as many octets as it is told to`, async (t) => {
    const report = reportOf(t, await run('-J', '-n', '20M'));

    agrees(t, report);
    const { bytes } = report.end.sum_sent;
    t.true(bytes >= 20 * 2 ** 20 && bytes <= 20 * 2 ** 20 + 131_072, `${bytes}`);
  });

  for (const args of [[], ['-R'], ['-P', '2'], ['--udp-counters-64bit']]) {
    iperf3Test(`${who} measures UDP, without a loss: ${args.join(' ')}`, async (t) => {
      const report = reportOf(t, await run('-J', '-u', '-t', '1', '-b', '5M', ...args));

      const { sum } = report.end;
      const streams = args.includes('-P') ? 2 : 1;
      const wanted = (5e6 / 8 / 1448) * streams;
      t.is(sum!.lost_packets, 0);
      t.true(Math.abs(sum!.packets! - wanted) < wanted * 0.1, `${sum!.packets} datagrams, not ${wanted}`);
      t.true(Math.abs(report.end.sum_received.bits_per_second - 5e6 * streams) < 1e6);
    });
  }

  iperf3Test(`${who} leaves out the first second`, async (t) => {
    const { code, stdout } = await run('-t', '1', '-O', '1', '-b', '10M');

    t.is(code, 0);
    t.regex(stdout.toString(), /0\.00-1\.0\d .*\(omitted\)\n.* 0\.00-1\.0\d .*[^)]\n/);
  });

  iperf3Test(`${who} limits segments, buffers and rate`, async (t) => {
    const args = ['-t', '1', '-M', '1000', '-w', '100K', '-C', 'reno', '-N', '-l', '10K', '-b', '10M'];
    const report = reportOf(t, await run('-J', ...args));

    agrees(t, report);
    const rate = report.end.sum_received.bits_per_second;
    t.true(Math.abs(rate - 10e6) < 2e6, `${rate}`);
  });

  iperf3Test(`${who} gets the server's report`, async (t) => {
    const { code, stdout } = await run('-t', '1', '-b', '5M', '--get-server-output');

    t.is(code, 0);
    t.regex(stdout.toString(), /Server output:\n[\s\S]*Accepted connection from .*\n[\s\S]*receiver\n/);
  });
}

/** The keys of a report, however deep, with the type of each value; of lists, what the first element has. */
function shapeOf(value: unknown, path = ''): string[] {
  if (Array.isArray(value)) return value.length === 0 ? [] : shapeOf(value[0], `${path}[]`);
  if (typeof value !== 'object' || value === null) return [`${path}: ${typeof value}`];
  // Debian's server goes on sending its output to clients that come after one that has asked for it.
  const entries = Object.entries(value).filter(([key]) => key !== 'server_output_text');
  return entries.flatMap(([key, each]) => shapeOf(each, path === '' ? key : `${path}.${key}`));
}

for (const args of [
  ['-b', '10M'],
  ['-b', '10M', '-R'],
  ['-b', '10M', '-P', '2'],
  ['-b', '10M', '--bidir'],
  ['-b', '10M', '-O', '1', '-M', '1000'],
  ['-u', '-b', '5M'],
  ['-u', '-b', '5M', '-R'],
  ['-u', '-b', '5M', '--bidir'],
]) {
  iperf3Test(`the JSON of our client has the keys of iperf3's, in their order: ${args.join(' ')}`, async (t) => {
    // One after the other: two measurements at a time would disturb each other.
    const our = reportOf(t, await ourClient('-J', '-t', '1', ...args));
    const their = reportOf(
      t,
      await (await theirs.namespace()).run('iperf3', ['-c', '127.0.0.1', '-J', '-t', '1', ...args]),
    );

    // Over loopback a datagram is as long as it can be: the numbers differ, the keys do not.
    t.deepEqual(shapeOf(our), shapeOf(their));
  });

  iperf3Test(`the JSON of our server has the keys of iperf3's, in their order: ${args.join(' ')}`, async (t) => {
    const namespace = await Namespace.make();
    t.teardown(() => namespace.remove());
    await namespace.run('ip', ['link', 'set', 'lo', 'up']);
    const our = namespace.startTundra('iperf3', '-s', '-1', '-J', '--tun', 't0');
    const their = namespace.start('iperf3', ['-s', '-1', '-J', '-B', '127.0.0.1']);

    for (const host of [OURS, '127.0.0.1']) {
      const { code, stderr } = await eventually(() => namespace.run('iperf3', ['-c', host, '-t', '1', ...args]));
      t.is(code, 0, stderr);
    }

    t.deepEqual(shapeOf(reportOf(t, await our.ended)), shapeOf(reportOf(t, await their.ended)));
  });
}

/** The server takes a moment to start, and prints nothing until its end. */
async function eventually(run: () => Promise<Ended>): Promise<Ended> {
  for (let attempt = 0; ; attempt++) {
    const ended = await run();
    if (attempt === 40 || !/unable to connect to server/.test(ended.stderr)) return ended;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

iperf3Test('a second client is refused while our server is busy', async (t) => {
  const first = (await ours.namespace()).start('iperf3', ['-c', OURS, '-t', '2', '-b', '5M', '--forceflush']);
  await first.says(/0\.00-1\.\d\d/);

  const { code, stderr } = await theirClient('-t', '1');

  t.is(code, 1);
  t.is(stderr, 'iperf3: error - the server is busy running a test. try again later\n');
  t.is((await first.ended).code, 0);
});

iperf3Test('our client is refused as theirs is', async (t) => {
  const first = (await theirs.namespace()).start('iperf3', ['-c', '127.0.0.1', '-t', '5', '-b', '5M', '--forceflush']);
  await first.says(/0\.00-1\.\d\d/);

  const { code, stdout, stderr } = await ourClient('-t', '1');

  t.deepEqual([code, stdout.toString()], [1, '']);
  t.is(stderr, 'iperf3: error - the server is busy running a test. try again later\n');
  await first.ended;
});

iperf3Test('our server survives clients that are killed', async (t) => {
  for (const args of [[], ['-R'], ['-u', '-b', '5M']]) {
    const client = (await ours.namespace()).start('iperf3', ['-c', OURS, '-t', '20', '--forceflush', ...args]);
    await client.says(/0\.00-1\.\d\d/);
    client.child.kill('SIGKILL');
    await client.ended;

    const { code, stderr } = await eventuallyFree(() => theirClient('-t', '1'));

    t.is(code, 0, stderr);
  }
});

/** The server needs a moment to notice. */
async function eventuallyFree(run: () => Promise<Ended>): Promise<Ended> {
  for (let attempt = 0; ; attempt++) {
    const ended = await run();
    if (attempt === 20 || !/busy/.test(ended.stderr)) return ended;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

iperf3Test('our client says what has gone wrong, in one line and with exit code 1', async (t) => {
  const { code, stdout, stderr } = await ourClient('-p', '5999', '-t', '1');

  t.is(code, 1);
  t.is(stdout.toString(), '');
  t.is(stderr, 'iperf3: error - unable to connect to server: Connection refused\n');
});

iperf3Test('an interrupt ends our client with what has been counted', async (t) => {
  const client = (await theirs.namespace()).startTundra('iperf3', '-c', KERNEL, '-t', '20', '-b', '5M');
  await client.says(/1\.00-2\.00/);
  client.child.kill('SIGINT');

  const { code, stdout, stderr } = await client.ended;

  t.is(code, 1);
  t.is(stderr, 'iperf3: interrupt - the client has terminated\n');
  t.regex(stdout.toString(), /0\.00-\d\.\d\d .* sender\n/);
});
