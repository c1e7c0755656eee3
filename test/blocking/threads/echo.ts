/** A thread that listens, and gives back what it gets until its peer has finished. */
import { workerData } from 'node:worker_threads';
import { attach, type SharedHost } from '../../../src/blocking/index.ts';
import { Flag } from '../../helpers/threads.ts';

const { share, ready, port } = workerData as { share: SharedHost; ready: Int32Array; port: number };
const socket = attach(share);
const [listener] = socket.tcp();
listener!.bind('', port);
listener!.listen(5);
new Flag(ready).raise();
const [connection] = listener!.accept();
for (;;) {
  const [data, error] = connection!.read(100_000);
  if (error !== null) break;
  connection!.write(data);
}
connection!.close();
listener!.close();
socket.leave();
