import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import type { Socket } from '../../src/api/index.ts';
import { openPlannedHost } from '../commands/on-tun.ts';
import { commonOptions, type HostCommandOptions, planOf } from '../commands/options.ts';
import { serveTcp } from '../services/serve.ts';
import { startSimpleServices } from '../services/simple.ts';
import { footprint } from './footprint.ts';

/**
 * A host of which the memory benchmark asks how much it occupies: with every line of standard input it prints that. Its options
 * are those of `host`, and so is its echo service, where a connection has somebody waiting in `read`. On port 8 a connection
 * echoes one octet and is then left alone.
 */
const config = Object.fromEntries(Object.entries(commonOptions).map(([name, { config }]) => [name, config]));
const { values } = parseArgs({ options: config });
const host = await openPlannedHost(planOf(values as HostCommandOptions));
await startSimpleServices(host.socket, () => new Date());
const held: Socket[] = [];
await serveTcp(host.socket, 8, async (socket) => {
  held.push(socket);
  const [octet] = await socket.read(1);
  if (octet !== null) await socket.write(octet);
});
process.stdout.write('up\n');
for await (const _ of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(footprint())}\n`);
}
await host.close();
