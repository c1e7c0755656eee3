import { workerData } from 'node:worker_threads';
import { attach, type SharedHost } from '../../src/blocking/index.ts';
import { Flag, pause } from './blocking-flag.ts';

/** The peer of the blocking benchmark in memory: gives datagrams back, after as many milliseconds as their first octet says. */
const { share, ready } = workerData as { share: SharedHost; ready: Int32Array };
const socket = attach(share);
const [datagrams] = socket.udp();
datagrams!.bind('', 7);
const [listener] = socket.tcp();
listener!.bind('', 9);
listener!.listen(1); // what is written to the connection waits in its buffer
new Flag(ready).raise();
for (;;) {
  const [message, error] = datagrams!.recvfrom(1);
  if (error !== null) break;
  pause(message.data[0]!);
  datagrams!.sendto(message.data, ...message.address);
}
