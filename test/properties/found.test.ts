/** Faults that random runs have found, each as small as it gets. */
import test from 'ava';
import { ms, seconds } from '../../src/sim/index.ts';
import { tcpCalls } from '../../src/stack/index.ts';
import { Stage, sendOctets } from '../helpers/stage.ts';

test('SHLD-14, invariant 8: windows that are rounded up do not add up to more than the receive buffer', (t) => {
  const stage = new Stage({ link: { delay: ms(1) } });
  const { here, there } = stage.open();
  tcpCalls.ownSettings(here).noDelay = true;
  const most = there.receiveLimit + 2 ** there.rcv.wndShift;

  sendOctets(here, 100_000);
  stage.run(ms(500));
  for (let octet = 0; octet < 3000; octet++) {
    sendOctets(here, 1);
    stage.run(ms(50)); // each is acknowledged by itself
  }

  t.true(there.receiveQueue.length <= most, `${there.receiveQueue.length} octets of ${most}`);
});

test('RFC 9293 section 3.8.1: a SYN that comes again draws the SYN-ACK again, also one that was sent twice', (t) => {
  const stage = new Stage({ client: { tcp: { rtoInitial: seconds(1.3) } } });
  stage.listen();
  const here = stage.connect();
  stage.link.backward.filter = () => stage.now < seconds(3.5); // SYN-ACKs of 0, 1 and 3 s
  stage.run(seconds(4.5)); // SYNs of 0, 1.3 and 3.9 s

  t.is(here.state, 'ESTABLISHED');
});

test('MUST-10: two SYNs that cross after both were sent again open a connection at once', (t) => {
  const stage = new Stage({ link: { delay: ms(10), loss: 1 } });
  const { here, there } = stage.openTogether();
  stage.run(ms(500));
  stage.link.forward.settings = { delay: ms(10) };
  stage.link.backward.settings = { delay: ms(10) };

  stage.run(ms(600));

  t.is(here.state, 'ESTABLISHED');
  t.is(there.state, 'ESTABLISHED');
});

test('MUST-60: what a cork holds back leaves after a while, though an acknowledgment comes twice', (t) => {
  const stage = new Stage();
  const { here, there } = stage.open();
  let last = new Uint8Array(0);
  stage.link.backward.taps.push((bytes, length) => {
    last = bytes.slice(0, length);
  });
  tcpCalls.ownSettings(here).cork = true;
  sendOctets(here, 2 * 1448 + 1);
  stage.run(ms(100));
  stage.client.receive(last, last.length, stage.now);
  stage.run(seconds(3));

  t.is(there.receiveQueue.length, 2 * 1448 + 1);
});

test('RFC 9293 section 3.10.4: a side that was shut while its connection opened sends nothing', (t) => {
  const stage = new Stage();
  stage.listen();
  const here = stage.connect();
  tcpCalls.shutdownSend(here, stage.now);
  stage.run(seconds(1));

  t.throws(() => sendOctets(here, 10), { code: 'EPIPE' });
});

test('invariant 3: an old segment that acknowledges something new brings its window too', (t) => {
  const stage = new Stage();
  const { here, there } = stage.open();
  let copies = 0;
  // Of two segments only the second one comes through, then nothing, then the first one, sent again.
  stage.link.backward.filter = (bytes, length) => {
    const isFirst = length > 1000 && new DataView(bytes.buffer, bytes.byteOffset).getUint32(24) === there.snd.una;
    if (isFirst) copies++;
    return isFirst ? copies === 1 : stage.now > ms(1015) || length < 1000;
  };
  sendOctets(there, 2 * 1448);
  stage.run(ms(15));
  sendOctets(here, 10_000);
  stage.run(ms(900));

  const last = stage.from('server').findLast(({ lost }) => !lost)!;
  t.is(last.ack, 10_001);
  const edge = last.ack + last.window * 2 ** here.snd.wndShift;
  t.is(here.snd.una - here.iss + here.snd.wnd, edge);
});
