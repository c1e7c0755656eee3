import test from 'ava';
import { SeededRandom, Stack, sysctls } from '../../src/stack/index.ts';

const stack = () => new Stack(new SeededRandom(1));

test('every option can be set to what it is, and then is the same', (t) => {
  const host = stack();
  for (const { name } of sysctls) {
    const before = host.sysctl(name);
    host.setSysctl(name, String(before));
    t.is(host.sysctl(name), before, name);
  }
});

test('an option is read and set by name, with slashes too', (t) => {
  const host = stack();
  host.setSysctl('net.ipv4.tcp_sack', '0');
  host.setSysctl('net/ipv4/tcp_rmem', '4096 100000 200000');

  t.is(host.sysctl('net.ipv4.tcp_sack'), 0);
  t.is(host.options.tcp.sack, false);
  t.is(host.sysctl('net.ipv4.tcp_rmem'), '4096 100000 200000');
  t.is(host.options.tcp.receiveBuffer, 50_000);
});

test('a name that nobody knows is ENOENT, a value that cannot be EINVAL, and nothing has changed', (t) => {
  const host = stack();
  t.throws(() => host.sysctl('net.ipv4.tcp_nothing'), { code: 'ENOENT' });
  t.throws(() => host.setSysctl('net.ipv4.tcp_nothing', 1), { code: 'ENOENT' });
  t.throws(() => host.setSysctl('net.ipv4.tcp_congestion_control', 'nothing'), { code: 'ENOENT' });
  for (const value of ['', 'x', '1.5', '-1', '256 1', 300]) {
    t.throws(() => host.setSysctl('net.ipv4.tcp_retries2', value), { code: 'EINVAL' }, String(value));
  }
  for (const value of ['1', '2 1', '0 70000']) {
    t.throws(() => host.setSysctl('net.ipv4.ip_local_port_range', value), { code: 'EINVAL' }, value);
  }
  t.is(host.sysctl('net.ipv4.tcp_retries2'), 15);
});
