/** Windows, timers and losses of single connections, segment by segment, in virtual time. Times are in milliseconds. */
import test from 'ava';
import { Describer, ms, seconds, tcpCalls } from '../../src/stack/index.ts';
import { readOctets, type Seen, Stage, sendOctets } from '../helpers/stage.ts';

const times = (seen: readonly Seen[]): number[] => seen.map(({ at }) => at);
const withText = (seen: readonly Seen[]): Seen[] => seen.filter(({ length }) => length > 0);

for (const family of [4, 6] as const) {
  // Opening ------------------------------------------------------------------------------------------------------------

  test(`MUST-19: a SYN that is not answered goes out again after 1, 2, 4 … s (IPv${family})`, (t) => {
    const stage = new Stage({ family });
    stage.link.forward.filter = () => true;
    stage.connect();
    stage.run(seconds(200));

    t.deepEqual(times(stage.seen), [0, 1000, 3000, 7000, 15_000, 31_000, 63_000]);
    t.is(stage.clientWay.at(-1), 'CLOSED');
  });

  test(`a SYN-ACK that is not answered goes out five times more (IPv${family})`, (t) => {
    const stage = new Stage({ family });
    stage.listen();
    stage.link.backward.filter = () => true;
    const here = stage.connect();
    stage.run(ms(15));
    tcpCalls.close(here, stage.now);
    stage.run(seconds(100));

    t.deepEqual(times(stage.from('server')), [10, 1010, 3010, 7010, 15_010, 31_010]);
  });

  test(`options are agreed upon only when both sides offer them (IPv${family})`, (t) => {
    for (const [client, server] of [
      [{}, { timestamps: false }],
      [{ sack: false, windowScaling: false }, {}],
    ]) {
      const stage = new Stage({ family, client: { tcp: client ?? {} }, server: { tcp: server ?? {} } });
      const { here, there } = stage.open();

      t.is(here.ts.enabled, server?.timestamps ?? true);
      t.is(here.sackEnabled, client?.sack ?? true);
      t.is(here.windowScalingEnabled, client?.windowScaling ?? true);
      t.is(here.ts.enabled, there.ts.enabled);
      t.is(here.sackEnabled, there.sackEnabled);
      t.is(here.windowScalingEnabled, there.windowScalingEnabled);
    }
  });

  test(`MUST-14, SHLD-28: segments are as large as the MTU of the narrower side allows, options taken off (IPv${family})`, (t) => {
    const mtu = family === 4 ? 900 : 1300; // IPv6 needs 1280
    const stage = new Stage({ family, link: [{ mtu: 1500 }, { mtu }] });
    const { here, there } = stage.open();
    sendOctets(here, 10_000);
    sendOctets(there, 10_000);
    stage.run();

    t.is(Math.max(...stage.from('client').map(({ length }) => length)), mtu - (family === 4 ? 40 : 60) - 12);
    t.is(Math.max(...stage.from('server').map(({ length }) => length)), mtu - (family === 4 ? 40 : 60) - 12);
  });

  // Acknowledging and sending small pieces -----------------------------------------------------------------------------

  test(`MUST-58: text that is not answered is acknowledged within 40 ms once the connection has settled (IPv${family})`, (t) => {
    const stage = new Stage({ family });
    const { here, there } = stage.open();
    for (let round = 0; round < 3; round++) {
      sendOctets(here, 10); // an exchange of questions and answers ends the quick acknowledgments of the beginning
      stage.run(ms(15));
      readOctets(stage, there);
      sendOctets(there, 10);
      stage.run(ms(200));
    }
    stage.seen.length = 0;
    const start = stage.now / ms(1);
    sendOctets(here, 10);
    stage.run(ms(500));

    t.deepEqual(times(stage.from('server')), [start + 10 + 40]);
  });

  test(`SHLD-19: at least every second full segment is acknowledged at once (IPv${family})`, (t) => {
    const stage = new Stage({
      family,
      link: { delay: ms(10), rate: 10_000_000 },
      server: { tcp: { delayedAck: ms(400) } },
    });
    const { here } = stage.open();
    sendOctets(here, 200_000);
    stage.run();
    const text = withText(stage.from('client')).length;

    t.true(stage.from('server').length >= text / 2);
    t.true(stage.from('server').length <= text);
  });

  test(`Nagle: a small segment waits for the acknowledgment of the one before; without Nagle it does not (IPv${family})`, (t) => {
    for (const noDelay of [false, true]) {
      const stage = new Stage({ family });
      const { here } = stage.open();
      tcpCalls.ownSettings(here).noDelay = noDelay;
      const start = stage.now / ms(1);
      sendOctets(here, 10);
      stage.run(ms(1));
      sendOctets(here, 20);
      stage.run(ms(1));
      sendOctets(here, 30);
      stage.run(ms(200));
      const sent = withText(stage.from('client')).map(({ at, length }) => [at - start, length]);

      t.deepEqual(
        sent,
        noDelay
          ? [
              [0, 10],
              [1, 20],
              [2, 30],
            ]
          : [
              [0, 10],
              [20, 50],
            ],
      );
    }
  });

  test(`MUST-61: the last segment of what was written carries PSH (IPv${family})`, (t) => {
    const stage = new Stage({ family });
    const { here } = stage.open();
    sendOctets(here, 4000);
    stage.run(ms(5));

    t.deepEqual(
      stage.from('client').map(({ flags }) => flags),
      ['.', '.', 'P.'],
    );
  });

  // Windows ------------------------------------------------------------------------------------------------------------

  test(`MAY-8: a reader that does not read shuts the window; not an octet too many is sent; reading opens it again (IPv${family})`, (t) => {
    const stage = new Stage({ family, server: { tcp: { receiveBuffer: 20_000, receiveBufferMax: 20_000 } } });
    const { here, there } = stage.open();
    sendOctets(here, 100_000);
    stage.run(ms(500)); // the last octets are less than a segment: they go when the window has not moved for a while

    t.true(there.receiveQueue.length <= 20_000 && there.receiveQueue.length > 20_000 - there.rcv.mss);
    t.is(stage.from('server').at(-1)?.window, 0);
    const stalled = stage.now / ms(1);
    t.true(readOctets(stage, there) > 0);
    stage.run(ms(1));
    t.true(stage.from('server').at(-1)!.window > 0);
    t.is(stage.from('server').at(-1)?.at, stalled); // the window update does not wait
    stage.run(ms(500));
    t.true(there.receiveQueue.length <= 20_000 && there.receiveQueue.length > 20_000 - there.rcv.mss);
  });

  test(`SHLD-29, SHLD-30: a shut window is probed, each time after twice as long, and MUST-37: for as long as it is answered (IPv${family})`, (t) => {
    const stage = new Stage({ family, server: { tcp: { receiveBuffer: 5000, receiveBufferMax: 5000 } } });
    const { here, there } = stage.open();
    sendOctets(here, 50_000);
    stage.run(seconds(3600));
    const una = here.snd.una;
    // From where they are so far apart that each is answered: within half a second, one answer is enough.
    const probes = stage.from('client').filter(({ length, at }) => length === 0 && at > 2500);
    const gaps = times(probes)
      .slice(1)
      .map((at, index) => at - probes[index]!.at);

    t.is(here.state, 'ESTABLISHED');
    t.true(probes.length > 25);
    t.true(gaps.slice(0, 6).every((gap, index) => index === 0 || Math.abs(gap - 2 * gaps[index - 1]!) <= 25));
    t.is(Math.max(...gaps), 120_020); // counted from the answer, one round trip later
    t.true(probes.every(({ seq }) => seq === probes[0]!.seq));
    readOctets(stage, there);
    stage.run(seconds(130));
    t.not(here.snd.una, una);
  });

  test(`MUST-39: a reader of single octets does not draw tiny segments (IPv${family})`, (t) => {
    const stage = new Stage({ family, server: { tcp: { receiveBuffer: 10_000, receiveBufferMax: 10_000 } } });
    const { here, there } = stage.open();
    sendOctets(here, 60_000);
    stage.run(ms(100));
    stage.seen.length = 0;
    for (let octets = 0; octets < 20_000; octets += 100) {
      if (there.receiveQueue.length > 0) readOctets(stage, there, 100);
      stage.run(ms(5));
    }
    const lengths = withText(stage.from('client')).map(({ length }) => length);

    t.true(lengths.length > 5);
    t.true(
      lengths.every((length) => length >= (family === 4 ? 1448 : 1428)),
      lengths.join(' '),
    );
  });

  // Losses -------------------------------------------------------------------------------------------------------------

  test(`MUST-20, SHLD-11: a segment that is never acknowledged is probed for, sent 15 times more, backed off, and then the connection fails (IPv${family})`, (t) => {
    const stage = new Stage({ family });
    const { here } = stage.open();
    stage.link.forward.filter = () => true;
    sendOctets(here, 10);
    stage.run(seconds(3600));
    const at = times(stage.from('client'));
    const gaps = at.slice(1).map((time, index) => time - at[index]!);

    t.is(at.length, 17); // the tail loss probe is one more
    t.deepEqual(gaps.slice(0, 2), [220, 220]); // RTT 20 ms and the floor of 200 ms
    for (let index = 2; index < gaps.length; index++) t.is(gaps[index], Math.min(gaps[index - 1]! * 2, 120_000));
    t.is(here.state, 'CLOSED');
    t.throws(() => tcpCalls.send(here, new Uint8Array(1)), { code: 'ETIMEDOUT' });
  });

  for (const sack of [true, false]) {
    test(`a lost segment is sent again after three duplicate acknowledgments, without a timeout (SACK ${sack ? 'on' : 'off'}, IPv${family})`, (t) => {
      const stage = new Stage({ family, client: { tcp: { sack } } });
      const { here, there } = stage.open();
      stage.link.forward.filter = (_bytes, length, index) => length > 1000 && index === 4;
      sendOctets(here, 20 * 1448);
      stage.run(ms(150));
      const resent = stage
        .from('client')
        .filter(({ seq }, index, all) => all.findIndex((other) => other.seq === seq) < index);

      t.is(stage.from('client').filter(({ lost }) => lost).length, 1);
      t.is(withText(resent).length, 1);
      t.is(there.receiveQueue.length, 20 * 1448);
      t.is(stage.client.counters.tcpTimeouts, 0);
      t.is(here.congestion.cwnd < 10, true);
    });

    test(`RFC 6582: several losses in one window are repaired without a timeout (SACK ${sack ? 'on' : 'off'}, IPv${family})`, (t) => {
      const stage = new Stage({ family, client: { tcp: { sack } } });
      const { here, there } = stage.open();
      sendOctets(here, 40 * 1448);
      stage.run(ms(200));
      readOctets(stage, there);
      const lost = new Set([1, 4, 8]);
      let sent = 0;
      stage.link.forward.filter = (_bytes, length) => length > 1000 && lost.has(sent++);
      sendOctets(here, 30 * 1448);
      stage.run(ms(300));

      t.is(there.receiveQueue.length, 30 * 1448);
      t.is(stage.client.counters.tcpTimeouts, 0);
      t.is(stage.client.counters.tcpRetransSegs, 3);
    });
  }

  test(`8985-5: over 100 ms a lone segment goes out again after 300 ms, and from there as a timeout has it (IPv${family})`, (t) => {
    const stage = new Stage({ family, link: { delay: ms(50) } });
    const { here } = stage.open();
    const start = stage.now / ms(1);
    stage.link.forward.filter = () => true;
    sendOctets(here, 10);
    stage.run(seconds(2));

    t.deepEqual(
      times(stage.from('client')).map((at) => at - start),
      [0, 300, 600, 1200],
    );
    t.is(stage.client.counters.tcpTailProbes, 1);
    t.is(stage.client.counters.tcpTimeouts, 2);
  });

  test(`8985-6: a lost tail is probed for after two round trips, and costs cwnd once (IPv${family})`, (t) => {
    const stage = new Stage({ family });
    const { here, there } = stage.open();
    const start = stage.now / ms(1);
    let sent = 0;
    stage.link.forward.filter = (_bytes, length) => length > 1000 && [3, 4].includes(sent++);
    sendOctets(here, 5 * 1400);
    stage.run(ms(1000));
    const cwnd = here.congestion.cwnd;
    const probe = stage.from('client').find(({ at, length }) => at > start && length > 0);
    sendOctets(here, 10);
    stage.run(ms(100));

    t.is(probe?.at, start + 20 + 42); // the acknowledgment of the others, 2 SRTT and 2 ms
    t.is(there.receiveQueue.length, 5 * 1400 + 10);
    t.true(stage.client.counters.tcpTailProbes >= 1);
    t.true(here.congestion.cwnd < 10, `${cwnd} ${here.congestion.cwnd}`);
  });

  test(`8985-6: a probe takes new text where there is some, also beyond cwnd (IPv${family})`, (t) => {
    const stage = new Stage({ family });
    const { here } = stage.open();
    stage.link.backward.filter = () => true;
    sendOctets(here, 20 * 1448);
    stage.run(ms(5));
    const before = withText(stage.from('client')).length;
    stage.run(ms(50));
    const probes = withText(stage.from('client')).slice(before);

    t.is(before, 10);
    t.is(probes.length, 1);
    t.is(probes[0]?.seq, 10 * (family === 4 ? 1448 : 1428) + 1);
  });

  test(`2883-1: what arrives twice is told in the first SACK block, and a probe for nothing costs nothing (IPv${family})`, (t) => {
    const stage = new Stage({ family });
    const { here, there } = stage.open();
    sendOctets(here, 10);
    stage.run(ms(500));
    sendOctets(there, 10);
    stage.run(ms(500));
    const lines: string[] = [];
    const describer = new Describer();
    stage.link.backward.taps.push((bytes, length) => lines.push(describer.describe(bytes, length)));
    let answers = 0;
    stage.link.backward.filter = () => answers++ === 0; // the acknowledgment is lost, the text has arrived
    const cwnd = here.congestion.cwnd;
    sendOctets(here, 100);
    stage.run(ms(1000));
    sendOctets(here, 100);
    stage.run(ms(500));

    t.is(stage.client.counters.tcpTailProbes, 1);
    t.is(lines.filter((line) => line.includes('sack 1 ')).length, 1);
    t.is(here.congestion.cwnd, cwnd);
  });

  test(`8985-2: a retransmission that is lost too is found without a timeout (IPv${family})`, (t) => {
    const server = { tcp: { receiveBuffer: 1 << 20 } };
    const stage = new Stage({ family, link: { delay: ms(10), rate: 20_000_000 }, server });
    const { here, there } = stage.open();
    sendOctets(here, 60 * 1400);
    stage.run(ms(500));
    readOctets(stage, there);
    let first = -1;
    let copies = 0;
    stage.link.forward.filter = (bytes, length, index) => {
      if (length < 1000) return false;
      const seq = new DataView(bytes.buffer, bytes.byteOffset).getUint32((family === 4 ? 20 : 40) + 4);
      if (first < 0 && index > 0) first = seq;
      return seq === first && copies++ < 2;
    };
    sendOctets(here, 150 * 1400); // more than cwnd: some of it leaves after the first copy
    stage.run(ms(400));

    t.is(copies, 3);
    t.is(there.receiveQueue.length, 150 * 1400);
    t.is(stage.client.counters.tcpTimeouts, 0);
  });

  test(`8985-2: once a way is known to reorder, what is only late is not sent again (IPv${family})`, (t) => {
    const stage = new Stage({ family, link: { delay: ms(40), reorder: 0.05, reorderDelay: ms(10) } });
    const { here, there } = stage.open();
    for (let round = 0; round < 20; round++) {
      sendOctets(here, 100_000);
      stage.run(ms(500));
      readOctets(stage, there);
    }
    const before = stage.client.counters.tcpRetransSegs;
    for (let round = 0; round < 20; round++) {
      sendOctets(here, 100_000);
      stage.run(ms(500));
      readOctets(stage, there);
    }

    t.true(here.reordering.seen);
    t.true(stage.client.counters.tcpRetransSegs - before <= 3, `${before} ${stage.client.counters.tcpRetransSegs}`);
    t.is(stage.client.counters.tcpTimeouts, 0);
  });

  test(`9937-1: during recovery sending follows what arrives, down to ssthresh and without a gap (IPv${family})`, (t) => {
    const buffers = { tcp: { sendBuffer: 4 << 20, receiveBuffer: 4 << 20, receiveBufferMax: 4 << 20 } };
    const settings = { link: { delay: ms(20), rate: 50_000_000 }, client: buffers, server: buffers };
    const stage = new Stage({ family, ...settings });
    const { here, there } = stage.open();
    for (let round = 0; round < 4; round++) {
      sendOctets(here, 200_000);
      stage.run(ms(300));
      readOctets(stage, there);
    }
    const { cwnd } = here.congestion;
    let lost = false;
    stage.link.forward.filter = (_bytes, length) => {
      const isFirst = length > 1000 && !lost;
      if (isFirst) lost = true;
      return isFirst;
    };
    stage.seen.length = 0;
    sendOctets(here, 900_000);
    stage.runUntil(() => here.recovery.phase === 'recovery');
    const start = stage.now / ms(1);
    stage.runUntil(() => here.recovery.phase === 'open');
    const during = withText(stage.from('client')).filter(({ at }) => at > start);
    const gaps = times(during)
      .slice(1)
      .map((at, index) => at - times(during)[index]!);

    t.is(here.congestion.ssthresh, Math.floor(cwnd * 0.7));
    t.true(during.length > 10, String(during.length));
    t.true(Math.max(...gaps) < 20, String(Math.max(...gaps))); // half a round trip of silence is what halving at once would cost
    t.is(stage.client.counters.tcpTimeouts, 0);
  });

  test(`MUST-18, RFC 6298 section 3: lost acknowledgments do not make the way seem longer than it is (IPv${family})`, (t) => {
    const stage = new Stage({ family });
    const { here } = stage.open();
    const before = here.rtt.srtt;
    stage.link.backward.filter = () => true;
    sendOctets(here, 5 * 1400);
    stage.run(ms(150));
    stage.link.backward.filter = null;
    stage.run(ms(500)); // after the timeout, the first segment arrives once more; what answers it echoes an old time

    t.is(stage.client.counters.tcpTimeouts, 1);
    t.is(here.sentLog.length, 0);
    t.is(here.rtt.srtt, before);
  });

  test(`RFC 4821 section 7.7: a link that drops long packets without a word is found out (IPv${family})`, (t) => {
    const stage = new Stage({ family, client: { tcp: { mtuProbing: 1 } } });
    const { here, there } = stage.open();
    stage.link.forward.filter = (_bytes, length) => length > 1300;
    sendOctets(here, 50_000);
    stage.run(seconds(20));

    t.is(there.receiveQueue.length, 50_000);
    t.is(
      Math.max(
        ...stage
          .from('client')
          .filter(({ lost }) => !lost)
          .map(({ length }) => length),
      ),
      1024,
    );
  });

  test(`a lost FIN is sent again (IPv${family})`, (t) => {
    const stage = new Stage({ family });
    const { here } = stage.open();
    let lost = 0;
    stage.link.forward.filter = () => lost++ === 0;
    tcpCalls.close(here, stage.now);
    stage.run(ms(500));

    t.is(here.state, 'FIN-WAIT-2');
    t.deepEqual(
      stage.from('client').map(({ flags }) => flags),
      ['F.', 'F.'],
    );
  });

  // Resets and strangers -----------------------------------------------------------------------------------------------

  test(`closing with unread text resets the connection (RFC 9293 SHLD-3) (IPv${family})`, (t) => {
    const stage = new Stage({ family });
    const { here, there } = stage.open();
    sendOctets(here, 10);
    stage.run();
    tcpCalls.close(there, stage.now);
    stage.run();

    t.is(stage.from('server').at(-1)?.flags, 'R.');
    t.throws(() => readOctets(stage, here), { code: 'ECONNRESET' });
  });

  test(`MUST-13: TIME-WAIT answers a repeated FIN and lasts 2 MSL from then on (IPv${family})`, (t) => {
    const stage = new Stage({ family });
    const { here, there } = stage.open();
    tcpCalls.close(here, stage.now);
    stage.run(ms(50));
    let acks = 0;
    stage.link.forward.filter = () => acks++ < 3; // the acknowledgment of the server's FIN, again and again
    tcpCalls.close(there, stage.now);
    stage.runUntil(() => there.state === 'CLOSED');
    const closed = stage.now;
    stage.runUntil(() => [...stage.client.tcp.resting()].length === 0 && here.isResting);

    t.is(stage.from('server').filter(({ flags }) => flags.includes('F')).length, 4);
    t.is(stage.now - closed, seconds(60) - ms(10));
  });

  test(`a new SYN may take the place of a connection in TIME-WAIT (RFC 6191) (IPv${family})`, (t) => {
    const stage = new Stage({ family });
    const listener = stage.listen();
    const { tcp } = stage.client;
    const dial = () => tcp.connect(stage.serverAddress, 80, tcp.bind(stage.any, 5000), stage.any, stage.now);
    const first = dial();
    stage.run(ms(100));
    tcpCalls.close(stage.server.tcp.accept(listener)!, stage.now); // TIME-WAIT is at the server
    stage.run(ms(100));
    tcpCalls.close(first, stage.now);
    stage.run(ms(100));
    const waiting = [...stage.server.tcp.resting()].map(({ remotePort }) => remotePort);
    const second = dial();
    stage.run(ms(100));

    t.deepEqual(waiting, [5000]);
    t.is([...stage.server.tcp.resting()].length, 0);
    t.is(second.state, 'ESTABLISHED');
    t.not(stage.server.tcp.accept(listener), null);
  });
}
