/** Hosts whose devices take packets that stand for many segments: what crosses the wire is the same as without. */
import test from 'ava';
import { pair } from '../../src/sim/index.ts';
import { anyV4, parseAddress, type Tcb, tcpCalls } from '../../src/stack/index.ts';

test('After 2 GiB of ordinary text nothing is marked urgent', (t) => {
  const way = pair({ link: { mtu: 65_535, offload: true } });
  const listener = way.server.stack.tcp.listen(way.server.stack.tcp.bind(anyV4, 9), 1);
  const sender = way.client.stack.tcp.connect(parseAddress('10.0.0.2')!, 9, null, anyV4, 0);
  way.client.kick();
  let receiver: Tcb | null = null;
  way.network.runUntil(() => {
    receiver = way.server.stack.tcp.accept(listener);
    return receiver !== null;
  });
  let urgent = 0;
  way.link.forward.taps.push((bytes) => {
    if ((bytes[33]! & 0x20) !== 0) urgent++;
  });
  const text = new Uint8Array(1 << 20);
  const into = new Uint8Array(1 << 20);
  let received = 0;
  while (received < 2.2 * 2 ** 30) {
    if (tcpCalls.isWritable(sender)) tcpCalls.send(sender, text);
    way.client.kick();
    way.network.run(10);
    if (receiver!.receiveQueue.length > 0) received += tcpCalls.receive(receiver!, into, way.network.now);
    way.server.kick();
  }
  t.is(urgent, 0);
});
