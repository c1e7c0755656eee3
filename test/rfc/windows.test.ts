/** Windows: large ones, shrinking ones, shut ones (RFC 9293 sections 3.1 and 3.8.6, RFC 7323 section 2). */
import test from 'ava';
import { seconds, tcpCalls } from '../../src/stack/index.ts';
import { flags, Peer } from '../helpers/tcp-peer.ts';

for (const family of [4, 6] as const) {
  test(`MUST-1: a window field of 0xffff lets 65,535 octets out, and not one more (IPv${family})`, (t) => {
    const peer = new Peer({ family, window: 0xffff, synOptions: [2, 4, 5, 5] }); // 51 segments of 1285 octets
    tcpCalls.send(peer.tcb, new Uint8Array(200_000));

    let sent = 0;
    for (const { text } of peer.said()) sent += text.length;
    for (let rounds = 0; rounds < 20; rounds++) {
      // Acknowledges everything, with a window that ends where it ended.
      const left = 0xffff - sent;
      for (const { text } of peer.send({ ack: peer.ack + sent, window: left })) sent += text.length;
    }

    t.is(sent, 65_535);
  });

  test(`REC-1: the largest window, 65,535 shifted by 14, is more than a billion octets (IPv${family})`, (t) => {
    const peer = new Peer({ family, synOptions: [2, 4, 5, 180, 3, 3, 14] });

    t.is(peer.tcb.snd.wnd, 1_073_725_440);
    t.is(tcpCalls.send(peer.tcb, new Uint8Array(5000)), 5000);
    t.is(
      peer.said().reduce((sum, { text }) => sum + text.length, 0),
      5000,
    );
  });

  test(`SHLD-17, MUST-35: text behind a window that was shut is probed for, and not given up while there are answers (IPv${family})`, (t) => {
    const peer = new Peer({ family, window: 30_000 });
    tcpCalls.send(peer.tcb, new Uint8Array(10_000));
    peer.said();
    peer.send({ window: 0 }); // takes all of it back
    let probes = 0;
    for (let minute = 0; minute < 60; minute++) {
      for (const _ of peer.pass(seconds(60))) {
        probes++;
        peer.send({ window: 0 });
      }
    }

    t.true(probes >= 10, `${probes}`);
    t.is(peer.tcb.state, 'ESTABLISHED');
    peer.send({ ack: peer.ack + 10_000 });
    t.is(peer.tcb.sentLog.length, 0);
  });

  test(`7323-2: a window that rounding takes back by less than one step of the scale harms nothing (IPv${family})`, (t) => {
    const peer = new Peer({ family, synOptions: [2, 4, 4, 0, 3, 3, 7], window: 80 });
    tcpCalls.send(peer.tcb, new Uint8Array(20_000));
    let sent = peer.said().reduce((sum, { text }) => sum + text.length, 0);
    t.is(sent, 10_240); // 80 steps of 128 octets
    const { una } = peer.tcb.snd;
    for (let acked = 100; acked <= 10_240; acked += 100) {
      // What is left, rounded down: the right edge is up to 127 octets further left each time.
      for (const { text } of peer.send({ ack: una + acked, window: (10_240 - acked) >> 7 })) sent += text.length;
    }

    t.is(sent, 10_240);
    for (const { text } of peer.send({ ack: una + 10_240, window: 80 })) sent += text.length;
    t.is(sent, 20_000);
  });

  test(`6429-1: a user may abort a connection whose peer keeps its window shut (IPv${family})`, (t) => {
    const peer = new Peer({ family });
    peer.send({ window: 0 });
    tcpCalls.send(peer.tcb, new Uint8Array(1000));
    t.true(peer.pass(seconds(10)).length > 2);

    tcpCalls.abort(peer.tcb, peer.host.now);

    t.deepEqual(
      peer.said().map((said) => said.flags & flags.RST),
      [flags.RST],
    );
    t.is(peer.host.stack.tcp.pendingTimers, 0);
  });
}
