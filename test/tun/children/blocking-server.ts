/** Serves downloads of 64 MiB, one after the other, from a thread of its own. */
import { workerData } from 'node:worker_threads';
import { attach, type SharedHost } from '../../../src/blocking/index.ts';
import { Flag } from '../../helpers/threads.ts';
import { octets } from './octets.ts';

const { share, ready } = workerData as { share: SharedHost; ready: Int32Array };
const socket = attach(share);
const [listener] = socket.tcp();
listener!.bind('', 9000);
listener!.listen(5);
new Flag(ready).raise();
const body = octets(64 << 20, 9);
for (;;) {
  const [connection, error] = listener!.accept();
  if (error !== null) break;
  connection.write(body);
  connection.close();
}
