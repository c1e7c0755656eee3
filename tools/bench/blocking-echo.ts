import { workerData } from 'node:worker_threads';
import { attach, type SharedHost } from '../../src/blocking/index.ts';

/** The other thread of the blocking benchmark: gives back what it gets. */
const { share, started, rounds } = workerData as { share: SharedHost; started: Int32Array; rounds: number };
const socket = attach(share);
const [listener] = socket.tcp();
listener!.bind('', 7);
listener!.listen(1);
Atomics.store(started, 0, 1);
Atomics.notify(started, 0);
const [connection] = listener!.accept();
for (let round = 0; round < rounds; round++) connection!.write(connection!.read(1)[0]);
connection!.close();
listener!.close();
socket.leave();
