/** resolv.conf(5), as glibc reads it. */
import test from 'ava';
import { createSocketModule, parseResolvConf } from '../../../src/api/index.ts';
import { readResolvConf } from '../../../src/api/node/resolv-conf.ts';
import { pair } from '../../../src/sim/index.ts';

const plain = { servers: [], search: [], rotate: false, ndots: 1, timeout: 5, attempts: 2 };

test('servers, search list and options; comments and what makes no sense are passed over', (t) => {
  const text = `# made by hand
; and so is this
nameserver 192.0.2.1
nameserver   fe80::1%eth0
search one.example. two.example
options ndots:2 timeout:3 attempts:4 rotate edns0 ndots:x
sortlist 130.155.160.0/255.255.240.0
nonsense
`;
  t.deepEqual(parseResolvConf(text), {
    servers: ['192.0.2.1', 'fe80::1%eth0'],
    search: ['one.example', 'two.example'],
    rotate: true,
    ndots: 2,
    timeout: 3,
    attempts: 4,
  });
});

test('three servers at most, the last search or domain counts, and numbers have bounds', (t) => {
  const servers = ['1.1.1.1', '2.2.2.2', '3.3.3.3', '4.4.4.4'].map((address) => `nameserver ${address}`).join('\n');

  t.deepEqual(parseResolvConf(servers).servers, ['1.1.1.1', '2.2.2.2', '3.3.3.3']);
  t.deepEqual(parseResolvConf('search a b\ndomain c d\n').search, ['c']);
  t.deepEqual(parseResolvConf('options ndots:99 timeout:99 attempts:99\n'), {
    ...plain,
    ndots: 15,
    timeout: 30,
    attempts: 5,
  });
  t.deepEqual(parseResolvConf('options timeout:0 attempts:0\n'), { ...plain, timeout: 1, attempts: 1 });
});

test('an empty file says nothing', (t) => {
  t.deepEqual(parseResolvConf(''), plain);
  t.deepEqual(parseResolvConf('nameserver\nsearch\noptions\n'), plain);
});

test('res-1: without the file nobody is asked, not 127.0.0.1 either: names are those of the tables', async (t) => {
  const resolver = await readResolvConf('/there/is/no/such/file');
  t.deepEqual(resolver.servers, []);
  const { network, client } = pair();
  const module = createSocketModule(client, { resolver, hosts: { known: '10.0.0.9' } });

  t.is((await module.getaddrinfo('known', 80))[0]![0]!.addr, '10.0.0.9');
  t.is((await module.getaddrinfo('localhost', 80))[0]!.length, 6);
  t.deepEqual(await module.getaddrinfo('host.example', 80), [null, 'Name or service not known']);
  t.is(network.now, 0);
});

test('res-1: a program that serves names itself may be asked by its own host', async (t) => {
  const { network, client } = pair();
  const module = createSocketModule(client, { resolver: { servers: ['127.0.0.1'] } });
  const [server] = module.udp();
  await server!.bind('127.0.0.1', 53);
  const asking = module.getaddrinfo('host.example', 80, module.AF_INET);
  const [query] = await network.until(server!.recvfrom(2000));
  const answer = Uint8Array.from(query!.data);
  answer.set([0x81, 0x83], 2); // there is no such name
  await server!.sendto(answer, ...query!.address);

  t.deepEqual(await network.until(asking), [null, 'Name or service not known']);
});
