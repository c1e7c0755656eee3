/**
 * `npm start` with the Linux kernel's programs as its clients, each time in a network namespace that the test makes and
 * removes. One after another: some of them measure how long something takes.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { octets } from './children/octets.ts';
import { inNamespace, Namespace, type Running, whyNoCommand, whyNoTun } from './namespace.ts';

const HOST = '10.85.0.2';
const KERNEL = '10.85.0.1';

type Command = 'curl' | 'ethtool' | 'nc' | 'tcpdump' | 'tshark' | 'setpriv';

const noTun = whyNoTun();
if (noTun !== undefined) console.warn(`THE TESTS OF THE HOST ON A TUN DID NOT RUN: ${noTun}`);
const missing = new Map<Command, string>();
for (const command of ['curl', 'ethtool', 'nc', 'tcpdump', 'tshark', 'setpriv'] as const) {
  const why = whyNoCommand(command);
  if (why === undefined) continue;
  missing.set(command, why);
  console.warn(`SOME TESTS OF THE HOST ON A TUN DID NOT RUN: ${why}`);
}

/** A test that needs a real TUN and these commands; where there is something missing it says so and passes. */
function tunTest(title: string, commands: readonly Command[], body: (t: ExecutionContext) => Promise<void>): void {
  test.serial(title, async (t) => {
    const reason = noTun ?? commands.map((command) => missing.get(command)).find((why) => why !== undefined);
    if (reason === undefined) return body(t);
    t.log(`did not run: ${reason}`);
    t.pass();
  });
}

/** The one host of all tests that leave it as they found it. */
let shared: { readonly namespace: Namespace; readonly host: Running };

test.before(async () => {
  if (noTun !== undefined) return;
  const namespace = await Namespace.make();
  try {
    shared = { namespace, host: await namespace.startHost() };
  } catch (error) {
    await namespace.remove();
    throw error;
  }
});

test.after.always(() => shared?.namespace.remove());

interface Stats {
  readonly sockets: readonly { readonly state: string; readonly local: string; readonly remote: string }[];
  readonly counters: { readonly ipInReceives: number; readonly ipInOctets: number; readonly tcpInSegs: number };
}

async function fetchStats(namespace: Namespace): Promise<{ stats: Stats; localPort: string; contentType: string }> {
  const { stdout, stderr } = await namespace.run('curl', [
    ...['-sS', '-w', '%{stderr}%{local_port} %{content_type}'],
    `http://${HOST}/stats.json`,
  ]);
  const [localPort = '', contentType = ''] = stderr.split(' ');
  return { stats: JSON.parse(stdout.toString()) as Stats, localPort, contentType };
}

function sha256(pieces: Iterable<Uint8Array>): string {
  const hash = createHash('sha256');
  for (const piece of pieces) hash.update(piece);
  return hash.digest('hex');
}

/** `length` octets, a piece at a time, of which the one at offset i is `octetAt(i modulo 65536)`. */
function* repeated(length: number, octetAt: (offset: number) => number): Generator<Uint8Array> {
  const piece = Uint8Array.from({ length: 65_536 }, (_, offset) => octetAt(offset));
  for (let at = 0; at < length; at += piece.length) yield piece.subarray(0, Math.min(piece.length, length - at));
}

const counting = (offset: number): number => offset % 256;
const mixed = (offset: number): number => (offset * 167 + (offset >> 8) * 59) & 0xff;

/** The lines of RFC 864's pattern, from a ring of the 95 printing characters. */
function chargenLines(count: number): string {
  const ring = Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index)).join('');
  return Array.from({ length: count }, (_, line) => {
    const start = line % 95;
    return `${(ring + ring).slice(start, start + 72)}\r\n`;
  }).join('');
}

function assertDaytime(t: ExecutionContext, text: string): void {
  const days = '(?:Sun|Mon|Tues|Wednes|Thurs|Fri|Satur)day';
  const months = '(?:January|February|March|April|May|June|July|August|September|October|November|December)';
  const form = new RegExp(`^(${days}), (${months} \\d{1,2}, \\d{4}) (\\d\\d:\\d\\d:\\d\\d)-UTC\\r\\n$`);
  const [, weekday, date, time] = form.exec(text) ?? t.fail(text) ?? [];
  const said = new Date(`${date} ${time} UTC`);
  t.true(Math.abs(said.getTime() - Date.now()) < 60_000, text);
  t.is(weekday, said.toLocaleDateString('en-US', { weekday: 'long', timeZone: 'UTC' }));
}

function isOneLine(text: string): boolean {
  return /^[^\n]+\n$/.test(text);
}

tunTest('three pings are answered three times', [], async (t) => {
  const { code, stdout } = await shared.namespace.run('ping', ['-c', '3', '-i', '0.2', '-W', '5', HOST]);

  t.regex(stdout.toString(), /3 packets transmitted, 3 received, 0% packet loss/);
  t.is(code, 0);
});

for (const size of [0, 1400, 1472]) {
  tunTest(`a ping of ${size} octets comes back with the same octets`, [], async (t) => {
    const { code, stdout } = await shared.namespace.run('ping', ['-c', '1', '-W', '5', '-s', String(size), HOST]);

    t.regex(stdout.toString(), new RegExp(`^${size + 8} bytes from ${HOST}: icmp_seq=1 ttl=64`, 'm'));
    t.notRegex(stdout.toString(), /wrong data|truncated|DUP/);
    t.is(code, 0);
  });
}

tunTest('curl gets a page that shows its own connection in the socket table', ['curl'], async (t) => {
  const format = '%{stderr}%{local_port} %{http_code} %{content_type}';

  const { code, stdout, stderr } = await shared.namespace.run('curl', ['-sS', '-w', format, `http://${HOST}/`]);

  const [, port, status, type] = /^(\d+) (\d+) (.*)$/.exec(stderr) ?? [];
  const words = stdout.toString().replace(/<[^>]*>/g, ' ');
  t.is(code, 0);
  t.deepEqual([status, type], ['200', 'text/html; charset=utf-8']);
  t.regex(stdout.toString(), /^<!doctype html>[\s\S]*<table>[\s\S]*<\/html>\n$/);
  t.regex(words, new RegExp(`tcp +ESTABLISHED +${HOST}:80 +${KERNEL}:${port} `));
  for (const service of [7, 9, 13, 19, 80]) t.regex(words, new RegExp(`tcp +LISTEN +\\S+:${service} `));
  for (const service of [7, 9, 13, 19]) t.regex(words, new RegExp(`udp +\\S+:${service} `));
});

tunTest("the page's Content-Length is what comes before the connection ends", ['curl'], async (t) => {
  const args = ['-sS', '-i', '--ignore-content-length', '-H', 'Connection: close', `http://${HOST}/`];

  const { code, stdout } = await shared.namespace.run('curl', args);

  const bodyAt = stdout.indexOf('\r\n\r\n') + 4;
  const head = stdout.toString('latin1', 0, bodyAt);
  t.is(code, 0);
  t.is(Number(/^Content-Length: (\d+)\r$/m.exec(head)?.[1]), stdout.length - bodyAt);
});

tunTest('/stats.json shows the connection that fetches it as ESTABLISHED', ['curl'], async (t) => {
  const { stats, localPort, contentType } = await fetchStats(shared.namespace);

  const row = stats.sockets.find(({ remote }) => remote === `${KERNEL}:${localPort}`);
  t.like(row, { protocol: 'tcp', state: 'ESTABLISHED', local: `${HOST}:80` });
  t.is(contentType, 'application/json');
});

tunTest('a path that there is not is a 404, and a method that is not known a 405', ['curl'], async (t) => {
  const statusOf = async (...args: string[]): Promise<string> => {
    const { stdout } = await shared.namespace.run('curl', ['-sS', '-o', '/dev/null', '-w', '%{http_code}', ...args]);
    return stdout.toString();
  };

  const statuses = [await statusOf(`http://${HOST}/nowhere`), await statusOf('-d', 'text', `http://${HOST}/`)];

  t.deepEqual(statuses, ['404', '405']);
});

for (const length of [0, 1, 1460, 65_537, 104_857_600]) {
  tunTest(`/bytes/${length} is that many octets, and the right ones`, ['curl'], async (t) => {
    const hash = createHash('sha256');
    const output = (piece: Uint8Array) => void hash.update(piece);

    const { code } = await shared.namespace.run('curl', ['-sS', `http://${HOST}/bytes/${length}`], { output });

    t.is(hash.digest('hex'), sha256(repeated(length, counting)));
    t.is(code, 0);
  });
}

tunTest('100 MB sent to discard come in, and nc sees an orderly end (RFC 863)', ['nc', 'curl'], async (t) => {
  const length = 104_857_600;
  const { counters: before } = (await fetchStats(shared.namespace)).stats;

  const { code } = await shared.namespace.run('nc', ['-N', HOST, '9'], { input: repeated(length, mixed) });

  const { counters: after } = (await fetchStats(shared.namespace)).stats;
  const packets = after.ipInReceives - before.ipInReceives;
  const headers = 20 * packets + 32 * (after.tcpInSegs - before.tcpInSegs); // with the timestamps option
  t.is(code, 0);
  t.true(after.ipInOctets - before.ipInOctets - headers >= length);
});

tunTest('8 MB sent to echo by nc come back the same (RFC 862)', ['nc'], async (t) => {
  const length = 8 * 1024 * 1024;
  const hash = createHash('sha256');
  const output = (piece: Uint8Array) => void hash.update(piece);

  const { code } = await shared.namespace.run('nc', ['-N', HOST, '7'], { input: repeated(length, mixed), output });

  t.is(hash.digest('hex'), sha256(repeated(length, mixed)));
  t.is(code, 0);
});

tunTest('echo answers a client that has ended its own direction (MUST-13)', ['nc'], async (t) => {
  const { code, stdout } = await shared.namespace.run('nc', ['-N', HOST, '7'], { input: 'hello' });

  t.is(stdout.toString(), 'hello');
  t.is(code, 0);
});

tunTest('200 connections at once get their own octets back', [], async (t) => {
  const seen = await shared.namespace.runClient('many connections');

  t.deepEqual(seen, { established: 200, right: 200 });
});

tunTest('UDP echo sends back datagrams of 0, 1 and 1472 octets (RFC 862)', [], async (t) => {
  const seen = await shared.namespace.runClient('udp echo');

  t.deepEqual(seen, { sizes: [0, 1, 1472], right: [true, true, true] });
});

tunTest('daytime over TCP is the date and time in one line, and then the end (RFC 867)', ['nc'], async (t) => {
  const { code, stdout } = await shared.namespace.run('nc', ['-N', HOST, '13'], { input: '' });

  assertDaytime(t, stdout.toString());
  t.is(code, 0);
});

tunTest('daytime over UDP is the date and time in one line (RFC 867)', [], async (t) => {
  const { text } = await shared.namespace.runClient('udp daytime');

  assertDaytime(t, String(text));
});

tunTest('chargen over TCP sends the pattern of RFC 864', [], async (t) => {
  const { text } = await shared.namespace.runClient('tcp chargen');

  const first = ' !"#$%&\'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefg\r\n';
  t.is(String(text).slice(0, 74), first);
  t.is(text, chargenLines(300).slice(0, 20_000));
});

tunTest('chargen over UDP answers with 0 to 512 octets of the pattern (RFC 864)', [], async (t) => {
  const { texts } = (await shared.namespace.runClient('udp chargen')) as { texts: string[] };

  const pattern = chargenLines(2 * 95 + 7);
  const lengths = texts.map(({ length }) => length);
  t.is(texts.length, 100);
  t.deepEqual(
    texts.filter((text) => !pattern.includes(text)),
    [],
  );
  t.true(Math.max(...lengths) <= 512);
  t.true(new Set(lengths).size > 10);
});

tunTest('a datagram to a closed UDP port is refused: port unreachable (RFC 1122 section 4.1.3.1)', [], async (t) => {
  const { code, ms } = await shared.namespace.runClient('udp to a closed port');

  t.is(code, 'ECONNREFUSED');
  t.true(Number(ms) < 500);
});

tunTest('a connection to a closed TCP port is refused at once', [], async (t) => {
  const { code, ms } = await shared.namespace.runClient('tcp to a closed port');

  t.is(code, 'ECONNREFUSED');
  t.true(Number(ms) < 500);
});

tunTest('when all clients have gone, only TIME-WAIT is left of their connections', ['curl'], async (t) => {
  const deadline = Date.now() + 5000; // for the last ones to be told
  let left: Stats['sockets'];
  do {
    const { stats, localPort } = await fetchStats(shared.namespace);
    left = stats.sockets.filter(
      ({ remote, state }) => remote !== '*:*' && remote !== `${KERNEL}:${localPort}` && state !== 'TIME-WAIT',
    );
  } while (left.length > 0 && Date.now() < deadline);

  t.deepEqual(left, []);
});

tunTest('one interface is one host: a second one is told so in one line, with exit code 1', [], async (t) => {
  const { code, stderr } = await shared.namespace.startTundra('--tun', 'tundra0').ended;

  t.is(code, 1);
  t.regex(stderr, /^tundra: TUN interface tundra0 is in use/);
  t.true(isOneLine(stderr), stderr);
});

/** A directory for files of these tests. */
const directory = mkdtempSync(join(tmpdir(), 'tundra-'));
process.once('exit', () => rmSync(directory, { recursive: true }));

/** Writes the first octets of each packet on an interface to a file until `stop`. */
async function startCapture(namespace: Namespace, device: string, file: string): Promise<{ stop(): Promise<void> }> {
  const options = ['-U', '--immediate-mode', '-B', '65536', '-s', '1600', '-Z', 'root'];
  const tcpdump = namespace.start('tcpdump', ['-ni', device, ...options, '-w', file]);
  await tcpdump.says(/listening on/);
  return {
    stop: async () => {
      tcpdump.child.kill('SIGINT');
      const { stderr } = await tcpdump.ended;
      if (!/^0 packets dropped by kernel/m.test(stderr)) throw new Error(`an incomplete capture: ${stderr}`);
    },
  };
}

/** The file with all packets of a ping, a page, two echoes and 10 MB, each segment as a packet of its own. Made once. */
async function captureTraffic(): Promise<string> {
  const file = join(directory, 'packets.pcap');
  await inNamespace(async (namespace) => {
    await namespace.startHost('--no-offload');
    const capture = await startCapture(namespace, 'tundra0', file);
    await namespace.run('ping', ['-c', '1', '-W', '5', HOST]);
    await namespace.run('curl', ['-sS', `http://${HOST}/`]);
    await namespace.run('nc', ['-N', HOST, '7'], { input: 'hello' });
    await namespace.runClient('udp echo');
    await namespace.run('curl', ['-sS', '-o', '/dev/null', `http://${HOST}/bytes/10000000`]);
    await capture.stop();
  });
  return file;
}
let capturing: Promise<string> | undefined;
const captured = (): Promise<string> => {
  capturing ??= captureTraffic();
  return capturing;
};

/** The least number of segments that carry those 10 MB. */
const segmentsOf10MB = Math.ceil(10_000_000 / 1460);

tunTest('tcpdump finds each checksum of ours correct', ['curl', 'nc', 'tcpdump'], async (t) => {
  const file = await captured();

  const { stdout } = await shared.namespace.run('tcpdump', ['-nvvr', file, 'src', 'host', HOST]);

  const text = stdout.toString('latin1');
  const count = (pattern: RegExp): number => text.match(pattern)?.length ?? 0;
  t.true(count(/: Flags \[/g) > segmentsOf10MB);
  t.is(count(/: Flags \[\S+, cksum 0x[0-9a-f]{4} \(correct\)/g), count(/: Flags \[/g));
  t.is(count(/\[udp sum ok\] UDP, length/g), 3);
  t.is(count(/ICMP echo reply/g), 1);
  t.notRegex(text, /bad cksum|wrong icmp cksum|bad udp cksum|\(incorrect/);
});

/** What tshark thinks of the TCP in a capture: our segments that carry text, the kinds of their checksums, and what is amiss. */
async function judge(file: string): Promise<{ texts: number[]; checksums: string[]; flaws: string[] }> {
  const analyses = ['retransmission', 'fast_retransmission', 'spurious_retransmission', 'lost_segment', 'out_of_order'];
  const fields = ['ip.src', 'tcp.len', 'ip.checksum.status', 'tcp.checksum.status', 'tcp.flags.reset'];
  fields.push('tcp.analysis.ack_lost_segment', ...analyses.map((analysis) => `tcp.analysis.${analysis}`));
  const { stdout } = await shared.namespace.run('tshark', [
    ...['-r', file, '-Y', 'tcp', '-o', 'ip.check_checksum:TRUE', '-o', 'tcp.check_checksum:TRUE'],
    ...['-T', 'fields', ...fields.flatMap((field) => ['-e', field])],
  ]);
  const rows = Array.from(stdout.toString().matchAll(/.+/g), ([line]) => line.split('\t'));
  const ours = rows.filter(([source]) => source === HOST);
  const flawed = rows.filter(([, , , , reset, ...found]) => !isFalse(reset) || found.some((flaw) => flaw !== ''));
  return {
    texts: ours.map(([, length]) => Number(length)).filter((length) => length > 0),
    checksums: [...new Set(ours.map(([, , ip, tcp]) => `${ip} ${tcp}`))],
    flaws: flawed.map((row) => row.map((value, index) => `${fields[index]}=${value}`).join(' ')),
  };
}
const goodChecksums = ['1 1'];

/** Versions of tshark differ in how they write a flag that is not set. */
const isFalse = (flag: string | undefined): boolean => flag === '0' || flag === 'False';

tunTest(
  'tshark finds no reset, and nothing sent twice, lost or out of order',
  ['curl', 'nc', 'tcpdump', 'tshark'],
  async (t) => {
    const { texts, checksums, flaws } = await judge(await captured());

    t.true(texts.length >= segmentsOf10MB);
    t.deepEqual(checksums, goodChecksums);
    t.deepEqual(flaws, []);
  },
);

/** A host behind the kernel as a router, and who is behind a wire that carries nothing but single segments. */
async function behindWire(use: (router: Namespace, far: Namespace) => Promise<void>): Promise<void> {
  await inNamespace(async (router) => {
    await inNamespace(async (far) => {
      const [near, end, gateway] = ['wire0', 'wire1', '10.86.0.1'];
      await router.startHost();
      await router.run('ip', ['link', 'add', near, 'type', 'veth', 'peer', 'name', end, 'netns', far.name]);
      for (const [namespace, device, address] of [
        [router, near, gateway],
        [far, end, '10.86.0.2'],
      ] as const) {
        await namespace.run('ethtool', ['-K', device, 'tx', 'off', 'tso', 'off', 'gso', 'off', 'gro', 'off']);
        await namespace.run('ip', ['address', 'add', `${address}/24`, 'dev', device]);
        await namespace.run('ip', ['link', 'set', device, 'up']);
      }
      await router.run('sysctl', ['-qw', 'net.ipv4.ip_forward=1']);
      await far.run('ip', ['route', 'add', 'default', 'via', gateway]);
      await use(router, far);
    });
  });
}

tunTest(
  'packets that stand for many are on a wire segments of its MTU, each with a good checksum and none of them twice',
  ['curl', 'ethtool', 'tcpdump', 'tshark'],
  (t) =>
    behindWire(async (router, far) => {
      const file = join(directory, 'wire.pcap');
      const big = router.start('tcpdump', ['-nli', 'tundra0', '-c', '1', `src host ${HOST} and greater 10000`]);
      await big.says(/listening on/);
      const capture = await startCapture(far, 'wire1', file);

      const { stdout } = await far.run('curl', ['-sS', `http://${HOST}/bytes/10000000`]);
      await capture.stop();

      const { texts, checksums, flaws } = await judge(file);
      t.is((await big.ended).code, 0); // there was one
      t.is(sha256([stdout]), sha256(repeated(10_000_000, counting)));
      t.true(texts.length >= segmentsOf10MB && Math.max(...texts) <= 1460);
      t.deepEqual(checksums, goodChecksums);
      t.deepEqual(flaws, []);
    }),
);

tunTest(
  'with --queues 2 two stacks share the address, and each connection stays with one of them',
  ['curl', 'nc'],
  (t) =>
    inNamespace(async (namespace) => {
      const host = await namespace.startHost('--queues', '2');
      const queues: string[] = [];
      for (let connection = 0; connection < 24; connection++) {
        const { stdout } = await namespace.run('curl', ['-sS', `http://${HOST}/stats.json`]);
        queues.push(/queue \d of 2/.exec(stdout.toString())?.[0] ?? 'none');
      }
      // Longer than the kernel remembers a flow.
      const silent = namespace.run('sh', ['-c', `(printf before; sleep 4; printf behind) | nc -N ${HOST} 7`]);
      const digests = await Promise.all(
        Array.from({ length: 6 }, async () => {
          const hash = createHash('sha256');
          const output = (piece: Uint8Array): void => void hash.update(piece);
          await namespace.run('curl', ['-sS', `http://${HOST}/bytes/20000000`], { output });
          return hash.digest('hex');
        }),
      );

      t.deepEqual([...new Set(queues)].sort(), ['queue 0 of 2', 'queue 1 of 2']);
      t.deepEqual([...new Set(digests)], [sha256(repeated(20_000_000, counting))]);
      t.is((await silent).stdout.toString(), 'beforebehind');
      host.child.kill('SIGINT');
      t.is((await host.ended).code, 0);
    }),
);

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  tunTest(`${signal} ends the host in order within 1.5 s, whatever its connections do`, ['curl'], (t) =>
    inNamespace(async (namespace) => {
      const host = await namespace.startHost();
      const idle = namespace.startClient('idle clients');
      const download = ['-sv', '--limit-rate', '20M', `http://${HOST}/bytes/1000000000`];
      const busy = namespace.start('curl', download, { output: () => {} });
      await Promise.all([idle.says(/idle/), busy.says(/200 OK/)]);
      const before = await namespace.interfaces();

      const signalledAt = Date.now();
      host.child.kill(signal);
      const { code, at, stdout, stderr } = await host.ended;

      t.is(code, 0);
      t.true(at - signalledAt < 1500, `${at - signalledAt} ms`);
      t.regex(stdout.toString(), new RegExp(`\n${signal}: closing\nclosed\n$`));
      t.is(stderr, '');
      t.true(before.includes('tundra0'));
      t.false((await namespace.interfaces()).includes('tundra0'));
      const fates = (await idle.ended).stdout.toString().split('\n')[1]!;
      t.deepEqual(JSON.parse(fates), { echo: ['end'], http: ['end'] });
    }),
  );
}

tunTest('a host without connections ends at once', ['curl', 'nc'], (t) =>
  inNamespace(async (namespace) => {
    const host = await namespace.startHost();
    await namespace.run('curl', ['-sS', `http://${HOST}/`]);
    await namespace.run('nc', ['-N', HOST, '7'], { input: 'hello' });

    const signalledAt = Date.now();
    host.child.kill('SIGINT');
    const { code, at } = await host.ended;

    t.is(code, 0);
    t.true(at - signalledAt < 500, `${at - signalledAt} ms`);
  }),
);

tunTest('a second signal does not wait for a connection that cannot end', [], (t) =>
  inNamespace(async (namespace) => {
    const host = await namespace.startHost();
    await namespace.startClient('stalled download').says(/stalled/);
    host.child.kill('SIGINT');
    await host.says(/SIGINT: closing/);

    const signalledAt = Date.now();
    host.child.kill('SIGTERM');
    const { code, at, stdout } = await host.ended;

    t.is(code, 1);
    t.true(at - signalledAt < 500, `${at - signalledAt} ms`);
    t.notRegex(stdout.toString(), /^closed$/m);
    t.false((await namespace.interfaces()).includes('tundra0'));
  }),
);

tunTest('a connection that cannot end is reset when its second has passed', [], (t) =>
  inNamespace(async (namespace) => {
    const host = await namespace.startHost();
    await namespace.startClient('stalled download').says(/stalled/);

    const signalledAt = Date.now();
    host.child.kill('SIGINT');
    const { code, at } = await host.ended;

    t.is(code, 0);
    t.true(at - signalledAt >= 1000 && at - signalledAt < 1500, `${at - signalledAt} ms`);
  }),
);

tunTest('deleting the interface ends the host with exit code 1 and one line that says so', [], (t) =>
  inNamespace(async (namespace) => {
    const host = await namespace.startHost();

    await namespace.run('ip', ['link', 'delete', 'tundra0']);
    const { code, stdout, stderr } = await host.ended;

    const said = `${stdout}${stderr}`.split('\n').filter((line) => /tundra0.*(gone|deleted)/.test(line));
    t.is(code, 1);
    t.is(said.length, 1);
  }),
);

tunTest('with --json the host tells what happens in a line of JSON each', [], (t) =>
  inNamespace(async (namespace) => {
    const host = namespace.startTundra('--json', '--mtu', '1400');
    await host.says(/"up".*\n/);
    host.child.kill('SIGINT');

    const { stdout } = await host.ended;

    const [up, ...more] = stdout
      .toString()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    t.like(up, { event: 'up', interface: 'tundra0', addresses: [`${HOST}/24`, 'fd85::2/64'], mtu: 1400 });
    t.deepEqual(more, [{ event: 'closing', why: 'SIGINT' }, { event: 'closed' }]);
  }),
);

tunTest('a host answers at each of its addresses', ['curl'], (t) =>
  inNamespace(async (namespace) => {
    const host = await namespace.startHost('--address', `${HOST}/24`, '--address', '10.85.0.77/24');

    for (const address of [HOST, '10.85.0.77']) {
      t.is((await namespace.run('ping', ['-c', '1', '-W', '5', address])).code, 0);
      t.is((await namespace.run('curl', ['-sS', '-o', '/dev/null', `http://${address}/`])).code, 0);
    }
    host.child.kill('SIGINT');
    t.is((await host.ended).code, 0);
  }),
);

tunTest('a host whose output nobody reads any more closes in order all the same', [], (t) =>
  inNamespace(async (namespace) => {
    const host = await namespace.startHost();
    host.child.stdout?.destroy();

    host.child.kill('SIGINT');
    const { code, stderr } = await host.ended;

    t.is(stderr.toString(), '');
    t.is(code, 0);
  }),
);

tunTest('--pcap on a TUN leaves a file that tshark and tcpdump read', ['tshark', 'tcpdump'], (t) =>
  inNamespace(async (namespace) => {
    const file = join(directory, 'host.pcapng');
    const host = await namespace.startHost('--pcap', file);
    await namespace.run('ping', ['-c', '1', '-W', '5', HOST]);
    host.child.kill('SIGINT');
    await host.ended;

    const fields = ['frame.interface_name', 'ip.src', 'ip.dst', 'icmp.type', 'icmp.checksum.status'];
    const args = ['-r', file, '-Y', 'icmp', '-T', 'fields', ...fields.flatMap((field) => ['-e', field])];
    const { code, stdout } = await namespace.run('tshark', args);

    t.is(code, 0);
    t.is(stdout.toString(), `tundra0\t${KERNEL}\t${HOST}\t8\t1\ntundra0\t${HOST}\t${KERNEL}\t0\t1\n`);
    t.is((await namespace.run('tcpdump', ['-nr', file, 'icmp'])).code, 0);
  }),
);

/** Runs `use` where the kernel serves HTTP at 10.85.0.1:8080, as children/clients.ts says. */
function withKernelServer(use: (namespace: Namespace) => Promise<void>): Promise<void> {
  return inNamespace(async (namespace) => {
    await namespace.startClient('http server').says(/listening/);
    await use(namespace);
  });
}

tunTest('get writes the body to standard output, octet for octet, and its interface is gone', [], (t) =>
  withKernelServer(async (namespace) => {
    const { code, stdout, stderr } = await namespace.startTundra('get', `http://${KERNEL}:8080/body`).ended;

    t.is(stdout.length, 5_000_011);
    t.is(sha256([stdout]), sha256([octets(5_000_011, 1)]));
    t.deepEqual([code, stderr], [0, '']);
    t.false((await namespace.interfaces()).includes('tundra0'));
  }),
);

tunTest('get of what is not there ends with exit code 1 and says so in one line', [], (t) =>
  withKernelServer(async (namespace) => {
    const { code, stderr } = await namespace.startTundra('get', `http://${KERNEL}:8080/nowhere`).ended;

    t.is(code, 1);
    t.is(stderr, 'tundra: get: 404 Not Found\n');
  }),
);

tunTest('get from a port that is closed ends with exit code 1 and says so in one line', [], (t) =>
  withKernelServer(async (namespace) => {
    const { code, stdout, stderr } = await namespace.startTundra('get', `http://${KERNEL}:8081/body`).ended;

    t.deepEqual([code, stdout.toString()], [1, '']);
    t.is(stderr, `tundra: get: cannot connect to ${KERNEL}:8081: Connection refused\n`);
  }),
);

tunTest('SIGINT ends a get that waits, with exit code 1', [], (t) =>
  withKernelServer(async (namespace) => {
    const get = namespace.startTundra('get', `http://${KERNEL}:8080/endless`);
    await get.says(/the beginning/);

    const signalledAt = Date.now();
    get.child.kill('SIGINT');
    const { code, at } = await get.ended;

    t.is(code, 1);
    t.true(at - signalledAt < 1000, `${at - signalledAt} ms`);
    t.false((await namespace.interfaces()).includes('tundra0'));
  }),
);

tunTest('a user who may not have a TUN is told why in one line, and gets the run in memory', ['setpriv'], (t) =>
  inNamespace(async (namespace) => {
    const nobody = ['--reuid=65534', '--regid=65534', '--clear-groups'];
    const { code: readable } = await namespace.run('setpriv', [...nobody, 'test', '-r', 'tools/main.ts']);
    if (readable !== 0) {
      t.log('did not run: a user without privileges cannot read these sources');
      t.pass();
      return;
    }
    const tundra = [process.execPath, '--import=tsx', 'tools/main.ts'];

    const { code, stdout, stderr } = await namespace.run('setpriv', [...nobody, ...tundra], { env: { HOME: '/tmp' } });

    t.is(code, 0);
    t.regex(stderr, /^no TUN interface, so this runs in memory: .*run as root/);
    t.true(isOneLine(stderr), stderr);
    t.regex(stdout.toString(), /^\d+\.\d{6} .*\[S\]/); // what it shows first is a SYN
    t.regex(stdout.toString(), /^<!doctype html>[\s\S]*^<\/html>$/m);
  }),
);
