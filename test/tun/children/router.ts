/** A router of ours between this namespace and the one named by the argument: two TUNs, the second one moved over there. */
import { execFileSync } from 'node:child_process';
import { openHost } from '../../../src/api/node/index.ts';

const [other = ''] = process.argv.slice(2);
const near = { tun: 'near0', address: ['10.1.0.2/24', 'fd01::2/64'], peer: ['10.1.0.1/24', 'fd01::1/64'] };
const host = await openHost({
  ...near,
  routes: ['10.2.0.0/24', 'fd02::/64'],
  interfaces: [{ tun: 'far0', address: ['10.2.0.2/24', 'fd02::2/64'], mtu: 1300 }],
  stack: { forwarding: true },
});
const there = (...args: string[]): void => void execFileSync('ip', ['-n', other, ...args]);
execFileSync('ip', ['link', 'set', 'far0', 'netns', other]);
there('link', 'set', 'lo', 'up');
there('link', 'set', 'far0', 'up', 'mtu', '1300');
for (const address of ['10.2.0.1/24', 'fd02::1/64']) there('address', 'add', address, 'dev', 'far0');
for (const route of ['10.1.0.0/24', 'fd01::/64']) there('route', 'add', route, 'dev', 'far0');
process.stdout.write('the router is up\n');
process.on('SIGTERM', () => void host.close(0));
