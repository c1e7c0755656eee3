/** A thread that listens, reads to the end, and answers with a digest of what it has got. */
import { createHash } from 'node:crypto';
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
const hash = createHash('sha256');
for (;;) {
  const [data, error] = connection!.read(1 << 20);
  if (error !== null) break;
  hash.update(data);
}
connection!.write(hash.digest('hex'));
connection!.close();
listener!.close();
socket.leave();
