/** Loss recovery where no packet script shows it by itself. */
import test from 'ava';
import { ms, tcpCalls } from '../../src/stack/index.ts';
import { Cubic } from '../../src/stack/tcp/congestion/cubic.ts';
import { NewReno } from '../../src/stack/tcp/congestion/new-reno.ts';
import { Peer } from '../helpers/tcp-peer.ts';

test('8985-7: a timeout takes the first segment for lost, and those sent long ago, but not what has just left', (t) => {
  const peer = new Peer({ synOptions: [2, 4, 3, 232, 4, 2], options: { tcp: { tailLossProbe: false } } });
  const { tcb } = peer;
  tcpCalls.ownSettings(tcb).noDelay = true;
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

test('5681-3: a loss takes ssthresh from what is in flight, not from cwnd, and leaves two segments at least', (t) => {
  const window = { cwnd: 100, ssthresh: Number.POSITIVE_INFINITY };
  const [reno, small] = [new NewReno(window), new NewReno(window)];
  reno.onCongestion(40);
  small.onTimeout(3, true);

  t.is(reno.ssthresh, 20);
  t.is(small.ssthresh, 2);
  const cubic = new Cubic(window);
  cubic.onTimeout(1, true);
  t.true(cubic.ssthresh >= 2);
});

test('8985-4: an acknowledgment that comes too soon to be of the second copy says nothing about what was sent since', (t) => {
  for (const [wait, isOfTheCopy] of [
    [1, false],
    [25, true],
  ] as const) {
    const peer = new Peer({ synOptions: [2, 4, 3, 232, 4, 2], options: { tcp: { tailLossProbe: false } } });
    const { tcb } = peer;
    tcpCalls.send(tcb, new Uint8Array(3000));
    t.is(peer.said().length, 3);
    const sentAt = peer.host.now;
    t.is(peer.pass(ms(230)).length, 1); // the first one again
    const again = tcb.sentLog.sentAt(0);
    t.true(again > sentAt);

    peer.host.now = again + ms(wait); // the least round trip is 20 ms
    peer.send({ ack: peer.ack + 1000 });

    t.is(tcb.rack.sentAt === again, isOfTheCopy, `${wait} ms`);
  }
});
