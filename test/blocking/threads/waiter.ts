/** A thread that waits for a connection until its host is closed, and fails if what it is told then is not what it should be. */
import assert from 'node:assert/strict';
import { workerData } from 'node:worker_threads';
import { attach, type SharedHost } from '../../../src/blocking/index.ts';
import { Flag } from '../../helpers/threads.ts';

const { share, ready } = workerData as { share: SharedHost; ready: Int32Array };
const socket = attach(share);
const [listener] = socket.tcp();
listener!.bind('', 7);
listener!.listen(5);
new Flag(ready).raise();
assert.deepEqual(listener!.accept(), [null, 'Bad file descriptor']);
assert.equal(listener!.fileno(), -1);
assert.deepEqual(listener!.lastError, { code: 'EBADF', errno: 9, syscall: 'accept' });
listener!.close();
assert.deepEqual(socket.tcp(), [null, 'Bad file descriptor']);
socket.leave();
