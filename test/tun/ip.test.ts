/** The layer below TCP on a real TUN: the kernel as peer, as oracle, and on both sides of a router of ours. */
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { Lone } from '../helpers/packets.ts';
import { strangePackets, summary } from './children/strange-packets.ts';
import { inNamespace, type Namespace, whyNoCommand, whyNoTun } from './namespace.ts';

const noTun = whyNoTun();
if (noTun !== undefined) console.warn(`THE TESTS OF THE LAYER BELOW TCP ON A TUN DID NOT RUN: ${noTun}`);

/** A test that needs a real TUN and these commands; where there is something missing it says so and passes. */
function tunTest(title: string, commands: readonly string[], body: (t: ExecutionContext) => Promise<void>): void {
  test.serial(title, async (t) => {
    const reason = noTun ?? commands.map(whyNoCommand).find((why) => why !== undefined);
    if (reason === undefined) return body(t);
    console.warn(`A TEST OF THE LAYER BELOW TCP DID NOT RUN: ${reason}`);
    t.log(`did not run: ${reason}`);
    t.pass();
  });
}

const child = (name: string): string[] => [
  '--import=tsx',
  fileURLToPath(new URL(`./children/${name}.ts`, import.meta.url)),
];

tunTest('what the kernel answers to odd packets, our stack answers too', [], (t) =>
  inNamespace(async (namespace) => {
    const settings = ['net.ipv4.icmp_ratelimit=0', 'net.ipv6.icmp.ratelimit=0', 'net.ipv4.icmp_ratemask=0'];
    await namespace.run('sysctl', ['-q', '-w', ...settings]);
    const { stdout, stderr } = await namespace.run(process.execPath, child('strange'));
    t.is(stderr, '');
    const kernel = JSON.parse(stdout.toString()) as Record<string, string[]>;
    const host = new Lone({ interfaces: [['10.0.0.1/24', 'fd00::1/64']] });
    const ours: Record<string, string[]> = {};
    for (const [name, bytes] of strangePackets) {
      host.now += 1_000_000;
      ours[name] = host.take(bytes).map(({ bytes: answer }) => summary(answer) ?? '');
    }

    const differing = strangePackets
      .map(([name]) => ({ name, kernel: kernel[name], ours: ours[name] }))
      .filter((each) => JSON.stringify(each.kernel) !== JSON.stringify(each.ours));
    t.deepEqual(differing, []);
    t.true(Object.values(kernel).filter((answers) => answers.length > 0).length > 20);
  }),
);

tunTest('the kernel pings us with every size, in as many pieces as it takes', [], (t) =>
  inNamespace(async (namespace) => {
    await namespace.startHost();
    for (const [address, sizes] of [
      ['10.85.0.2', [0, 1, 1472, 1473, 2952, 2953, 8000, 30_000, 65_507]],
      ['fd85::2', [0, 1, 1452, 1453, 2900, 8000, 30_000, 65_507, 65_527]],
    ] as const) {
      for (const size of sizes) {
        const { code, stdout } = await namespace.run('ping', ['-c', '1', '-W', '3', '-s', String(size), address]);
        t.is(code, 0, `${address} ${size}`);
        t.regex(stdout.toString(), new RegExp(`^${size + 8} bytes from ${address}`, 'm'));
      }
    }
    const { code, stderr } = await namespace.run('ping', ['-M', 'do', '-c', '1', '-W', '1', '-s', '1473', '10.85.0.2']);
    t.not(code, 0);
    t.regex(stderr, /message too long/i);
  }),
);

tunTest('UDP echo of every size comes back octet for octet, over both families', [], (t) =>
  inNamespace(async (namespace) => {
    await namespace.startHost();
    for (const address of ['10.85.0.2', 'fd85::2']) {
      const { stdout, stderr } = await namespace.run(process.execPath, [...child('udp-sizes'), address]);
      t.is(stderr, '');
      t.deepEqual(JSON.parse(stdout.toString()), {
        echoed: [0, 1, 1452, 1473, 20_000, 60_000, 65_507],
        closed: 'ECONNREFUSED',
      });
    }
  }),
);

tunTest('we ping and trace the kernel, with the exit codes of ping(8)', [], (t) =>
  inNamespace(async (namespace) => {
    const run = (...args: string[]) => namespace.startTundra(...args).ended;
    for (const [address, size] of [
      ['10.85.0.1', 56],
      ['10.85.0.1', 60_000],
      ['fd85::1', 1453],
    ] as const) {
      const { code, stdout } = await run('ping', '-c', '2', '-i', '0.05', '-s', String(size), address);
      t.is(code, 0);
      t.is(
        stdout.toString().match(new RegExp(`^${size + 8} bytes from ${address}: icmp_seq=\\d ttl=64 time=`, 'gm'))
          ?.length,
        2,
      );
      t.regex(stdout.toString(), /^2 packets transmitted, 2 received, 0% packet loss, time \d+ms$/m);
    }
    t.is((await run('ping', '-c', '1', '-W', '0.3', '10.85.0.99')).code, 1);
    t.is((await run('ping', 'nobody.example')).code, 2);
    const lines = (await run('ping', '--json', '-c', '1', '10.85.0.1')).stdout.toString().trim().split('\n');
    t.deepEqual(
      lines.map((line) => (JSON.parse(line) as { event: string }).event),
      ['reply', 'summary'],
    );
    for (const address of ['10.85.0.1', 'fd85::1']) {
      const { code, stdout } = await run('traceroute', address);
      t.is(code, 0);
      t.regex(stdout.toString(), new RegExp(`^ 1  ${address}(  \\d+\\.\\d+ ms){3}\\n$`, 'm'));
    }
  }),
);

tunTest('curl fetches over IPv6, and get from the kernel', ['curl'], (t) =>
  inNamespace(async (namespace) => {
    await namespace.startHost();
    const { stdout } = await namespace.run('curl', ['-sS', '-g', 'http://[fd85::2]/bytes/5000000']);
    t.is(stdout.length, 5_000_000);
    t.true(stdout.every((octet, index) => octet === (index & 255)));
  }),
);

/** A router of ours between two namespaces: MTU 1500 here, 1300 there. */
const withRouter = (use: (near: Namespace, far: Namespace) => Promise<void>): Promise<void> =>
  inNamespace((near) =>
    inNamespace(async (far) => {
      await near.start(process.execPath, [...child('router'), far.name]).says(/the router is up/);
      await use(near, far);
    }),
  );

tunTest('a router of ours joins two namespaces: pings, time exceeded, and who is told of the narrow side', [], (t) =>
  withRouter(async (near) => {
    const ping = async (...args: string[]) =>
      (await near.run('ping', ['-c', '1', '-W', '3', ...args])).stdout.toString();

    t.regex(await ping('10.2.0.1'), /ttl=63 .*\n[\s\S]* 1 received/);
    t.regex(await ping('fd02::1'), /ttl=63 .*\n[\s\S]* 1 received/);
    t.regex(await ping('-t', '1', '10.2.0.1'), /From 10\.1\.0\.2 .*Time to live exceeded/);
    t.regex(await ping('-t', '1', 'fd02::1'), /From fd01::2 .*(Hop limit|Time) exceeded/i);
    t.regex(await ping('-M', 'do', '-s', '1400', '10.2.0.1'), /Frag needed.*mtu = 1300/);
    t.regex(await ping('-s', '1400', 'fd02::1'), /Packet too big: mtu=1300/);
    t.regex(await ping('-M', 'dont', '-s', '5000', '10.2.0.1'), / 1 received/);
  }),
);

tunTest('traceroute and tracepath see our router, and the MTU behind it', ['traceroute', 'tracepath'], (t) =>
  withRouter(async (near) => {
    for (const [router, target] of [
      ['10.1.0.2', '10.2.0.1'],
      ['fd01::2', 'fd02::1'],
    ] as const) {
      const traced = (await near.run('traceroute', ['-n', target])).stdout.toString();
      t.regex(traced, new RegExp(`^ 1  ${router} [\\s\\S]*\\n 2  ${target} `, 'm'));
      const path = (await near.run('tracepath', ['-n', target])).stdout.toString();
      t.regex(path, /Resume: pmtu 1300 hops 2 back 2/);
    }
  }),
);

tunTest('TCP goes through our router both ways, over both families', ['nc'], (t) =>
  withRouter(async (near, far) => {
    const data = Buffer.from(Array.from({ length: 3_000_000 }, (_, index) => (index * 7 + (index >> 9)) & 255));
    for (const [from, to, target, port] of [
      [near, far, '10.2.0.1', '5001'],
      [far, near, '10.1.0.1', '5002'],
      [near, far, 'fd02::1', '5003'],
      [far, near, 'fd01::1', '5004'],
    ] as const) {
      const receiver = to.start('nc', ['-n', '-v', '-l', target, port]);
      await receiver.says(/Listening/);
      await from.run('nc', ['-N', target, port], { input: [data] });
      t.is(Buffer.compare((await receiver.ended).stdout, data), 0, target);
    }
  }),
);
