/** Samples of the rate at which text arrives (draft-cheng-iccrg-delivery-rate-estimation), as TCP_INFO tells them. */
import test from 'ava';
import { type LinkSettings, pair } from '../../src/sim/index.ts';
import { anyV4, anyV6, type Micros, ms, parseAddress, seconds, tcpCalls, tcpInfo } from '../../src/stack/index.ts';
import { TcpSettings } from '../../src/stack/tcp/settings.ts';

/** Bits per second, and octets of text in full segments that fit into it per second. */
const narrow = 10_000_000;
const textRate = (narrow / 8) * (1448 / 1500);
const delay = ms(25);
const text = new Uint8Array(1 << 16);
const scratch = new Uint8Array(1 << 20);

interface FlowSettings {
  readonly forward?: LinkSettings;
  readonly backward?: LinkSettings;
  readonly family?: 4 | 6;
  /** Octets per second. */
  readonly maxRate?: number;
  readonly control?: string;
}

/** A connection whose client may write, and whose server reads. What TCP_INFO tells is looked at every 0.1 ms. */
function open(settings: FlowSettings = {}) {
  const { forward = {}, backward = {}, family = 4, maxRate = Number.POSITIVE_INFINITY, control = 'cubic' } = settings;
  const { network, client, server, link } = pair({
    link: [
      { delay, ...forward },
      { delay, ...backward },
    ],
  });
  const any = family === 4 ? anyV4 : anyV6;
  const listener = server.stack.tcp.listen(server.stack.tcp.bind(any, 80), 1);
  const chosen = Object.assign(new TcpSettings(), { maxPacingRate: maxRate, congestionControl: control });
  const to = parseAddress(family === 4 ? '10.0.0.2' : 'fd00::2')!;
  const tcb = client.stack.tcp.connect(to, 80, null, any, network.now, chosen);
  client.kick();
  network.run(ms(100));
  const accepted = server.stack.tcp.accept(listener)!;
  const flow = {
    tcb,
    link,
    accepted,
    isBulk: false,
    /** The largest that was told since this was set to 0. */
    most: 0,
    run: (duration: Micros) => network.run(duration),
    write(octets: number): void {
      tcpCalls.send(tcb, text.subarray(0, octets));
      client.kick();
    },
    info: () => tcpInfo(tcb, network.now),
    at: (when: Micros, action: () => void) => network.at(network.now + when, action),
  };
  const step = (): void => {
    network.at(network.now + 100, step);
    if (flow.isBulk && tcpCalls.isWritable(tcb)) flow.write(text.length);
    flow.most = Math.max(flow.most, flow.info().tcpi_delivery_rate);
    if (accepted.receiveQueue.length === 0) return;
    tcpCalls.receive(accepted, scratch, network.now);
    server.kick();
  };
  step();
  return flow;
}

for (const family of [4, 6] as const) {
  test(`a user who always has more is told the rate of the way (IPv${family})`, (t) => {
    const flow = open({ family, forward: { rate: narrow } });
    const size = family === 4 ? 1448 : 1428;
    t.is(flow.info().tcpi_delivery_rate, 0);
    flow.isBulk = true;
    flow.run(seconds(5));
    const { tcpi_delivery_rate, tcpi_delivery_rate_app_limited } = flow.info();

    t.is(tcpi_delivery_rate_app_limited, 0);
    const expected = ((narrow / 8) * size) / 1500;
    t.true(Math.abs(tcpi_delivery_rate - expected) <= 0.02 * expected, `${tcpi_delivery_rate}, not ${expected}`);
  });
}

test('section 4.3: a user who writes little is told so, and has the rate of what was written', (t) => {
  const flow = open();
  for (let write = 0; write < 5; write++) {
    flow.write(14_480);
    flow.run(ms(500));
    t.is(flow.info().tcpi_delivery_rate_app_limited, 1);
  }
  const { tcpi_delivery_rate } = flow.info();

  const expected = 14_480 / (2 * 0.025);
  t.true(Math.abs(tcpi_delivery_rate - expected) <= 0.02 * expected, `${tcpi_delivery_rate}, not ${expected}`);
});

test('section 4.3: samples of a user who writes little count only when they are the best', (t) => {
  const flow = open();
  flow.write(14_480);
  flow.run(ms(500));
  const before = flow.info().tcpi_delivery_rate;
  flow.write(1448);
  flow.run(ms(500));
  t.is(flow.info().tcpi_delivery_rate, before);
  flow.write(2 * 14_480);
  flow.run(ms(500));

  t.true(flow.info().tcpi_delivery_rate > 1.2 * before);
});

test('section 4.3: a way that was the limit, then the user, then the way again', (t) => {
  const flow = open({ forward: { rate: narrow } });
  const told: number[] = [];
  for (const isBulk of [true, false, true]) {
    flow.isBulk = isBulk;
    flow.run(seconds(2));
    if (!isBulk) {
      flow.write(1000); // far less than before
      flow.run(seconds(1));
      const rate = flow.info().tcpi_delivery_rate;
      t.true(rate >= 0.8 * textRate && rate <= 1.05 * textRate, `${rate}`);
    } else told.push(flow.info().tcpi_delivery_rate_app_limited);
  }

  t.deepEqual(told, [0, 0]);
});

test('section 4.2: while the send buffer is what limits, it is not the user', (t) => {
  const flow = open({ forward: { rate: narrow } });
  tcpCalls.ownSettings(flow.tcb).sendBuffer = 32_768;
  tcpCalls.settingsChanged(flow.tcb, 0);
  flow.isBulk = true;
  flow.run(seconds(5));
  const { tcpi_delivery_rate, tcpi_delivery_rate_app_limited } = flow.info();

  t.is(tcpi_delivery_rate_app_limited, 0);
  t.true(tcpi_delivery_rate <= (1.05 * 32_768) / 0.05, `${tcpi_delivery_rate}`);
});

test('section 4.2: while text waits for pacing, it is not the user', (t) => {
  const flow = open({ maxRate: 50_000 });
  tcpCalls.ownSettings(flow.tcb).sendBuffer = 1 << 20;
  tcpCalls.settingsChanged(flow.tcb, 0);
  flow.write(60_000);
  for (let write = 0; write < 25; write++) {
    flow.run(ms(20));
    flow.write(500);
  }

  t.true(flow.info().tcpi_notsent_bytes > 10_000);
  t.is(flow.tcb.rate.appLimitedUntil, 0);
});

test('section 4.1: a burst of segments does not look like a fast way', (t) => {
  const flow = open({ forward: { rate: narrow } });
  for (let write = 0; write < 20; write++) {
    flow.write(60_000);
    flow.run(ms(150)); // all has arrived, and the window is not yet taken for old
  }

  t.true(flow.most >= 0.5 * textRate && flow.most <= 1.05 * textRate, `${flow.most}`);
});

test('section 4.1: a burst of acknowledgments does not give more than the rate of sending', (t) => {
  const maxRate = 500_000;
  const flow = open({ maxRate });
  flow.isBulk = true;
  flow.run(seconds(2));
  flow.most = 0;
  for (let round = 0; round < 10; round++) {
    // Acknowledgments that have taken the longer way are caught up with by those of 75 ms.
    flow.link.backward.settings = { delay: delay + ms(75) };
    flow.run(ms(200));
    flow.link.backward.settings = { delay };
    flow.run(ms(200));
  }

  t.true(flow.most >= 0.9 * maxRate && flow.most <= 1.05 * maxRate, `${flow.most}`);
});

test('section 4.1.2: acknowledgments that come in lumps do not change what is told', (t) => {
  const flow = open({ forward: { rate: narrow } });
  const lump = ms(40);
  const hold = (): void => {
    const now = flow.tcb.counts.lastAckReceivedAt;
    flow.link.backward.settings = { delay: delay + lump - (now % lump) };
    flow.at(ms(1), hold);
  };
  hold();
  flow.isBulk = true;
  flow.run(seconds(3));
  flow.most = 0;
  flow.run(seconds(5));

  t.true(flow.most >= 0.9 * textRate && flow.most <= 1.1 * textRate, `${flow.most}`);
});

test('losses do not make the way look faster', (t) => {
  const flow = open({ control: 'bbr', forward: { rate: narrow, loss: 0.03 }, backward: { loss: 0.03 } });
  flow.isBulk = true;
  flow.run(seconds(30));

  t.true(flow.tcb.troubles.retransmissions > 50);
  t.true(flow.most >= 0.9 * textRate && flow.most <= 1.05 * textRate, `${flow.most}`);
});

test('everything that has arrived counts once, losses or not, and again what came twice', (t) => {
  const flow = open({ forward: { loss: 0.1 }, backward: { loss: 0.1 } });
  for (let segment = 0; segment < 200; segment++) {
    flow.write(1448);
    flow.run(ms(50));
  }
  flow.run(seconds(60));

  t.is(flow.info().tcpi_unacked, 0);
  const { tcpi_delivered, tcpi_dsack_dups } = flow.info();
  t.true(tcpi_dsack_dups > 0);
  t.is(tcpi_delivered, 1 + 200 + tcpi_dsack_dups); // the SYN as well, and as on Linux duplicates that were told of
});
