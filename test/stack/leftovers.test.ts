/** Connections that nobody needs any more are bounded: in TIME-WAIT, and closed by their users while the peer is still there. */
import test from 'ava';
import { ms, seconds, tcpCalls } from '../../src/stack/index.ts';
import { Stage } from '../helpers/stage.ts';

test('beyond tcp_max_tw_buckets the next connection is forgotten after its last acknowledgment, and counted', (t) => {
  const stage = new Stage({ client: { tcp: { maxTimeWait: 2 } } });
  const ends = [stage.open(), stage.open(), stage.open()];
  for (const { here, there } of ends) {
    tcpCalls.close(here, stage.now);
    stage.run(ms(100));
    tcpCalls.close(there, stage.now);
    stage.run(ms(100));
  }

  t.deepEqual(
    ends.map(({ here }) => here.state),
    ['TIME-WAIT', 'TIME-WAIT', 'CLOSED'],
  );
  t.deepEqual(
    ends.map(({ there }) => there.state),
    ['CLOSED', 'CLOSED', 'CLOSED'],
  );
  t.is(stage.client.counters.tcpTimeWaitOverflows, 1);
});

test('room in TIME-WAIT comes back when the wait is over', (t) => {
  const stage = new Stage({ client: { tcp: { maxTimeWait: 1, timeWait: seconds(1) } } });
  for (let round = 0; round < 3; round++) {
    const { here, there } = stage.open();
    tcpCalls.close(here, stage.now);
    stage.run(ms(100));
    tcpCalls.close(there, stage.now);
    stage.run(ms(100));
    t.is(here.state, 'TIME-WAIT');
    t.is([...stage.client.tcp.resting()].length, 1);
    stage.run(seconds(2));
    t.is([...stage.client.tcp.resting()].length, 0);
  }
  t.is(stage.client.counters.tcpTimeWaitOverflows, 0);
});

test('beyond tcp_max_orphans a closed connection that has still something to send is reset, and counted', (t) => {
  const stage = new Stage({ client: { tcp: { maxOrphans: 1 } } });
  const [first, second] = [stage.open(), stage.open()];
  stage.link.backward.filter = () => true; // nothing is acknowledged any more
  tcpCalls.close(first.here, stage.now);
  tcpCalls.close(second.here, stage.now);
  stage.run(ms(100));

  t.deepEqual([first.here.state, second.here.state], ['FIN-WAIT-1', 'CLOSED']);
  t.is(second.there.error, 'ECONNRESET');
  t.is(stage.client.counters.tcpOrphanOverflows, 1);

  stage.link.backward.filter = null;
  stage.run(seconds(5));
  tcpCalls.close(first.there, stage.now);
  stage.run(ms(100));
  t.is(first.here.state, 'TIME-WAIT'); // not an orphan any more: there is room for the next
  const third = stage.open();
  tcpCalls.close(third.here, stage.now);
  stage.run(ms(100));
  t.is(third.here.state, 'FIN-WAIT-2');
});
