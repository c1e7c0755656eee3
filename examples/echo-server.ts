/** An echo server on a TUN interface, as root: `npx tsx examples/echo-server.ts`, then `printf hello | nc -N 10.86.0.2 7` */
import { openHost, TunError } from '../src/api/node/index.ts';

try {
  const host = await openHost({ tun: 'echo0', address: '10.86.0.2/24', peer: '10.86.0.1/24' });
  const [listener] = host.socket.tcp();
  await listener?.bind('', 7);
  listener?.listen(10);
  process.once('SIGINT', () => void host.close());
  console.log(`echo at 10.86.0.2, port 7, on ${host.device.name}`);
  for (;;) {
    const [peer, closed] = (await listener?.accept()) ?? [];
    if (peer == null || closed !== null) break;
    void (async () => {
      for (;;) {
        const [data, end] = await peer.read(65_536);
        if (end !== null) break;
        await peer.write(data);
      }
      peer.close();
    })();
  }
} catch (error) {
  if (!(error instanceof TunError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
