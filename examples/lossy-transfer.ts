/** How long does a megabyte take, the more packets a link loses? Two hosts in virtual time: `npx tsx examples/lossy-transfer.ts` */
import { createSocketModule } from '../src/api/index.ts';
import { ms, pair, seconds } from '../src/sim/index.ts';

const size = 1_000_000;

for (const loss of [0, 0.001, 0.01, 0.05]) {
  const { network, client, server } = pair({ seed: 4, link: { delay: ms(10), rate: 100_000_000, loss } });
  const [listener] = createSocketModule(server).tcp();
  await listener?.bind('', 9);
  listener?.listen(1);
  const counting = listener?.accept().then(async ([peer]) => {
    let octets = 0;
    for (;;) {
      const [data, error] = (await peer?.read(65_536)) ?? [];
      if (data === undefined || error !== null) return octets;
      octets += data.length;
    }
  });

  const [sock] = createSocketModule(client).tcp();
  await network.until(sock!.connect('10.0.0.2', 9));
  sock?.write(new Uint8Array(size)).then(() => sock.close());
  const octets = await network.until(counting!);

  const { tcpRetransSegs } = client.stack.counters;
  const took = network.now / seconds(1);
  console.log(`${loss * 100} % loss: ${octets} octets in ${took.toFixed(2)} s, ${tcpRetransSegs} segments sent again`);
}
