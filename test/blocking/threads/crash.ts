/** A thread whose host's thread dies of an error while it waits. It tells what its call returns. */
import { workerData } from 'node:worker_threads';
import { openBlockingNetwork } from '../../../src/blocking/index.ts';
import { Flag } from '../../helpers/threads.ts';

const { returned } = workerData as { returned: Int32Array };
const { here } = openBlockingNetwork({
  hosts: { here: {}, there: {} },
  // A delay with which nothing can be reckoned.
  links: [
    {
      between: ['here', 'there'],
      addresses: ['10.0.0.1/24', '10.0.0.2/24'],
      settings: { delay: 5n as unknown as number },
    },
  ],
});
const [socket] = here.socket.udp();
socket!.sendto('x', '10.0.0.2', 7);
const [, error] = socket!.read(1);
if (error === 'Bad file descriptor') new Flag(returned).raise();
