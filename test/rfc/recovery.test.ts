/** Loss recovery where no packet script shows it by itself. */
import test from 'ava';
import { ms, tcpCalls } from '../../src/stack/index.ts';
import { Peer } from '../helpers/tcp-peer.ts';

test('8985-7: a timeout takes the first segment for lost, and those sent long ago, but not what has just left', (t) => {
  const peer = new Peer({ synOptions: [2, 4, 3, 232, 4, 2], options: { tcp: { tailLossProbe: false } } });
  const { tcb } = peer;
  tcb.settings.noDelay = true;
  for (let count = 0; count < 2; count++) tcpCalls.send(tcb, new Uint8Array(1000));
  t.is(peer.said().length, 2);
  peer.host.now += ms(215); // the timeout comes at 220
  tcpCalls.send(tcb, new Uint8Array(1000));
  t.is(peer.said().length, 1);

  const again = peer.pass(ms(10));

  t.deepEqual(
    again.map(({ seq, text }) => [(seq - peer.ack) >>> 0, text.length]),
    [[0, 1000]],
  );
  t.deepEqual(
    [0, 1, 2].map((index) => tcb.sentLog.isLost(index)),
    [true, true, false],
  );
});
