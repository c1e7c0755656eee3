/**
 * A blocking program on a TUN: one thread serves a download, another computes for five seconds without touching the host. What it
 * has computed is printed.
 */
import { openBlockingHost } from '../../../src/blocking/index.ts';
import { Flag, startThread } from '../../helpers/threads.ts';

const host = openBlockingHost({ tun: 'tundra0', address: '10.85.0.2/24', peer: '10.85.0.1/24', resolver: null });
const ready = new Flag();
const server = startThread(new URL('./blocking-server.ts', import.meta.url), { share: host.share, ready: ready.words });
ready.wait();

// A connection of this thread's own, which says nothing while the thread computes, and then takes what came meanwhile.
const [listener] = host.socket.tcp();
listener!.bind('', 8000);
listener!.listen(1);
process.stdout.write('serving\n'); // not before: whoever hears it connects
const [visitor] = listener!.accept();
const start = Date.now();
let steps = 0;
for (let x = 1; Date.now() - start < 5000; steps++) for (let i = 0; i < 1000; i++) x = Math.imul(x, 1_664_525) + 1;
let count = 0;
for (;;) {
  const [data, error] = visitor!.read(65_536);
  if (error !== null) break;
  count += data.length;
}
visitor!.write(String(count));
visitor!.close();
process.stdout.write(`${JSON.stringify({ computedFor: Date.now() - start, steps, count })}\n`);
server.end();
host.close();
