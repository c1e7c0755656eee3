/** A connected UDP socket of the kernel: what of each size the echo service sends back whole, and what a closed port does. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { octets } from './octets.ts';

const [address = ''] = process.argv.slice(2);
const type = address.includes(':') ? 'udp6' : 'udp4';

async function connected(port: number) {
  const socket = createSocket(type);
  socket.connect(port, address);
  await once(socket, 'connect');
  return socket;
}

const socket = await connected(7);
const echoed: number[] = [];
for (const size of [0, 1, 1452, 1473, 20_000, 60_000, 65_507]) {
  const data = octets(size, size);
  const reply = once(socket, 'message', { signal: AbortSignal.timeout(5000) });
  socket.send(data);
  const [received] = (await reply) as [Buffer];
  if (received.equals(data)) echoed.push(size);
}
socket.close();

const closed = await connected(999);
const failed = once(closed, 'error', { signal: AbortSignal.timeout(5000) });
closed.send('anybody?');
const [error] = (await failed.catch((reason: Error) => [reason])) as [NodeJS.ErrnoException];
closed.close();
process.stdout.write(JSON.stringify({ echoed, closed: error.code }));
