import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { workerData } from 'node:worker_threads';
import { Flag } from './blocking-flag.ts';

/** The same peer beyond a TUN: the kernel's sockets, in a thread of its own. */
const { ready } = workerData as { ready: Int32Array };
const address = '10.77.0.1';
const datagrams = createSocket('udp4');
datagrams.on('message', (data, { port, address: from }) => {
  setTimeout(() => datagrams.send(data, port, from), data[0]);
});
const listener = createServer((connection) => connection.resume());
datagrams.bind(7, address, () => listener.listen(9, address, () => new Flag(ready).raise()));
