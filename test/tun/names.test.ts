/**
 * Names over a real TUN: Debian's dnsmasq is the name server, and nginx serves the page whose name it knows. Both run in a
 * network namespace of this file's own, at the kernel's end of the TUN; this process moves into it, and puts a host of ours at
 * the other end.
 */
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import test, { type ExecutionContext } from 'ava';
import type { ResolverSettings } from '../../src/api/index.ts';
import { type OpenHost, openHost, toDuplex } from '../../src/api/node/index.ts';
import { loadKernelLibc } from '../../tools/script/kernel-libc.ts';
import { Namespace, type Running, whyNoCommand, whyNoTun } from './namespace.ts';

const PEER = '10.86.0.1';
const PEER6 = 'fd86::1';
const CLONE_NEWNET = 0x4000_0000;
const PAGE = 'a page by name\n';

const missing = whyNoTun() ?? whyNoCommand('dnsmasq') ?? whyNoCommand('nginx');
if (missing !== undefined) console.warn(`THE TESTS OF NAMES OVER A TUN DID NOT RUN: ${missing}`);

/** A host of ours with resolver settings of its own; where there can be none it says so and passes. */
function namesTest(
  title: string,
  settings: Partial<ResolverSettings>,
  body: (t: ExecutionContext, host: OpenHost) => Promise<void>,
): void {
  test.serial(title, async (t) => {
    if (missing !== undefined) {
      t.log(`did not run: ${missing}`);
      return t.pass();
    }
    const host = await open(settings);
    try {
      return await body(t, host);
    } finally {
      await host.close();
    }
  });
}

let directory = '';
let namespace: Namespace | undefined;
let dnsmasq: Running;

test.before(async () => {
  if (missing !== undefined) return;
  directory = mkdtempSync(join(tmpdir(), 'tundra-names-'));
  namespace = await Namespace.make();
  await moveInto(namespace.name);
  dnsmasq = namespace.start('dnsmasq', ['--keep-in-foreground', `--conf-file=${writeDnsmasqFiles()}`]);
  const nginx = namespace.start('nginx', ['-e', 'stderr', '-p', directory, '-c', writeNginxFiles()]);
  await dnsmasq.says(/started, version/);
  await nginx.says(/using the "epoll" event method/);
});

test.after.always(async () => {
  await namespace?.remove();
  if (directory !== '') rmSync(directory, { recursive: true });
});

/** From here on, what this process opens and whom it starts belongs to the namespace; it ends with this file. */
async function moveInto(name: string): Promise<void> {
  const libc = await loadKernelLibc();
  const descriptor = openSync(`/run/netns/${name}`, 'r');
  if (libc.setns(descriptor, CLONE_NEWNET) < 0) throw new Error(`setns: ${libc.errorName()}`);
  closeSync(descriptor);
}

/** It listens at every address, those that the TUN will bring too. */
function writeDnsmasqFiles(): string {
  const many = Array.from({ length: 200 }, (_, index) => `10.86.1.${index + 1} many.test`);
  writeFileSync(join(directory, 'hosts'), `${many.join('\n')}\n`);
  const lines = [
    ...['port=53', 'no-resolv', 'no-hosts', 'user=root', 'log-facility=-', 'log-queries', 'local-ttl=60', 'pid-file='],
    ...[`addn-hosts=${join(directory, 'hosts')}`, 'local=/test/', 'edns-packet-max=4096'],
    ...[`host-record=page.test,${PEER},${PEER6}`, `host-record=v4.test,${PEER}`, `host-record=v6.test,${PEER6}`],
    ...['cname=www.test,page.test', 'cname=alias.test,www.test', `host-record=deep.sub.test,${PEER}`],
  ];
  const file = join(directory, 'dnsmasq.conf');
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}

/** One process, so that there is one to end. */
function writeNginxFiles(): string {
  mkdirSync(join(directory, 'pages'));
  writeFileSync(join(directory, 'pages', 'index.html'), PAGE);
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${join(directory, kind)};`,
  );
  const file = join(directory, 'nginx.conf');
  writeFileSync(
    file,
    `user root; daemon off; master_process off; pid ${join(directory, 'nginx.pid')}; error_log stderr notice;
    events {}
    http { access_log off; ${temporary.join(' ')}
      server { listen 80; listen [::]:80; server_name page.test; root ${join(directory, 'pages')}; } }\n`,
  );
  return file;
}

const open = (settings: Partial<ResolverSettings>): Promise<OpenHost> =>
  openHost({
    tun: 'names0',
    address: ['10.86.0.2/24', 'fd86::2/64'],
    peer: [`${PEER}/24`, `${PEER6}/64`],
    resolver: { servers: [PEER], ...settings },
  });

/** The addresses, or the error, and how many milliseconds it took. */
async function ask({ socket }: OpenHost, name: string, family = 0): Promise<[string[] | string, number]> {
  const start = performance.now();
  const [infos, error] = await socket.getaddrinfo(name, 80, family, socket.SOCK_STREAM);
  return [error ?? infos.map(({ addr }) => addr), performance.now() - start];
}

async function fetchPage({ socket }: OpenHost, name: string, family: number): Promise<string> {
  const [connection, error] = socket.tcp(family);
  if (error !== null) throw new Error(error);
  const [, refusal] = await connection.connect(name, 'http');
  if (refusal !== null) throw new Error(refusal);
  const outgoing = request({ host: 'page.test', path: '/', createConnection: () => toDuplex(connection) });
  return new Promise((resolve, reject) => {
    outgoing.once('response', (response) => resolve(text(response)));
    outgoing.once('error', reject);
    outgoing.end();
  });
}

namesTest('A and AAAA records, one of them or both', {}, async (t, host) => {
  t.deepEqual((await ask(host, 'page.test'))[0], [PEER, PEER6]);
  t.deepEqual((await ask(host, 'page.test', 2))[0], [PEER]);
  t.deepEqual((await ask(host, 'page.test', 10))[0], [PEER6]);
  t.deepEqual((await ask(host, 'v4.test'))[0], [PEER]);
  t.deepEqual((await ask(host, 'v6.test'))[0], [PEER6]);
});

namesTest('Aliases of aliases, and the name that they stand for', {}, async (t, host) => {
  const { socket } = host;
  t.deepEqual((await ask(host, 'alias.test'))[0], [PEER, PEER6]);
  const [infos] = await socket.getaddrinfo('alias.test', 80, 2, 1, 0, socket.AI_CANONNAME);

  t.is(infos?.[0]?.canonname, 'page.test');
});

namesTest('A name that does not exist, and one without addresses of the family', {}, async (t, host) => {
  t.is((await ask(host, 'nobody.test'))[0], 'Name or service not known');
  t.is((await ask(host, 'v4.test', 10))[0], 'No address associated with hostname');
});

namesTest('What dnsmasq refuses to answer is a temporary failure', {}, async (t, host) => {
  t.is((await ask(host, 'elsewhere.example', 2))[0], 'Temporary failure in name resolution');
});

namesTest(
  'The search list is gone through, and a dot at the end goes past it',
  { search: ['sub.test', 'test'] },
  async (t, host) => {
    t.deepEqual((await ask(host, 'deep', 2))[0], [PEER]);
    t.deepEqual((await ask(host, 'page', 2))[0], [PEER]);
    t.is((await ask(host, 'page.sub.test.', 2))[0], 'Name or service not known');
  },
);

namesTest('An answer that does not fit into a datagram comes over TCP, whole', {}, async (t, host) => {
  const [addresses] = await ask(host, 'many.test', 2); // 200 records of 16 octets

  t.is(new Set(addresses).size, 200);
  t.true(host.stack.counters.tcpInSegs > 0);
});

namesTest('The name server is asked over IPv6 as well', { servers: [PEER6] }, async (t, host) => {
  t.deepEqual((await ask(host, 'page.test', 2))[0], [PEER]);
  t.is(new Set((await ask(host, 'many.test', 2))[0]).size, 200);
});

namesTest(
  'After a server that does not answer the next one is asked',
  { servers: ['10.86.0.77', PEER], timeout: 1 },
  async (t, host) => {
    const [addresses, took] = await ask(host, 'page.test', 2);

    t.deepEqual(addresses, [PEER]);
    t.true(took > 990 && took < 3000, `${took} ms`);
  },
);

namesTest(
  'After a server that is not there the next one is asked at once',
  { servers: [`${PEER}#5353`, PEER], timeout: 30 },
  async (t, host) => {
    const [addresses, took] = await ask(host, 'page.test', 2);

    t.deepEqual(addresses, [PEER]);
    t.true(took < 3000, `${took} ms`);
  },
);

namesTest('What was asked once is remembered', {}, async (t, host) => {
  const queries = async (): Promise<number> => (await said()).match(/query\[A\] v4\.test/g)?.length ?? 0;
  const before = await queries();
  for (let round = 0; round < 5; round++) t.deepEqual((await ask(host, 'v4.test', 2))[0], [PEER]);
  await ask(host, `marker-${before}.test`, 2);
  await dnsmasq.says(new RegExp(`query\\[A\\] marker-${before}\\.test`));

  t.is(await queries(), before + 1);
});

/** All that dnsmasq has logged. */
const said = async (): Promise<string> => (await dnsmasq.says(/^[\s\S]*$/))[0];

namesTest('A page by its name from nginx, over IPv4 and IPv6, by aliases too', {}, async (t, host) => {
  const { AF_INET, AF_INET6 } = host.socket;
  t.is(await fetchPage(host, 'page.test', AF_INET), PAGE);
  t.is(await fetchPage(host, 'page.test', AF_INET6), PAGE);
  t.is(await fetchPage(host, 'alias.test', AF_INET), PAGE);
  t.is(await fetchPage(host, 'v4.test', AF_INET6), PAGE); // in its mapped form
  await t.throwsAsync(fetchPage(host, 'v6.test', AF_INET), { message: 'No address associated with hostname' });
  await t.throwsAsync(fetchPage(host, 'nobody.test', AF_INET), { message: 'Name or service not known' });
});
