/** resolv.conf(5), as glibc reads it. */
import test from 'ava';
import { parseResolvConf } from '../../../src/api/index.ts';

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
