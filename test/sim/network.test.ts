/** Hosts and links in virtual time: what a seed decides, and how time passes. */
import { createHash } from 'node:crypto';
import test from 'ava';
import { type Host, type Link, type LinkSettings, ms, Network, pair, seconds } from '../../src/sim/index.ts';
import { anyV4, loopbackV4, parseAddress, StackError, type Tcb, tcpCalls } from '../../src/stack/index.ts';

const serverAddress = parseAddress('10.0.0.2')!;

function unlessEagain(action: () => void): void {
  try {
    action();
  } catch (error) {
    if (!(error instanceof StackError) || error.code !== 'EAGAIN') throw error;
  }
}

/** Lets `client` send `size` octets to port 80 of `server`, which reads until the end; both close. */
function transfer(
  client: Host,
  server: Host,
  size: number,
  to = serverAddress,
): { readonly received: number; readonly tcb: Tcb } {
  const data = Uint8Array.from({ length: size }, (_, index) => (index * 7 + (index >> 8)) & 255);
  const listener = server.stack.tcp.listen(server.stack.tcp.bind(anyV4, 80), 1);
  const tcb = client.stack.tcp.connect(to, 80, null, anyV4, client.now());
  const progress = { received: 0, tcb };
  let sent = 0;
  let accepted: Tcb | null = null;
  const onClient = (): void => {
    unlessEagain(() => {
      while (sent < size) sent += tcpCalls.send(tcb, data.subarray(sent));
      tcpCalls.shutdownSend(tcb, client.now());
    });
    client.kick();
  };
  const onServer = (): void => {
    accepted ??= server.stack.tcp.accept(listener);
    const from = accepted;
    if (from === null) return;
    unlessEagain(() => {
      for (let n = -1; n !== 0; progress.received += n) n = tcpCalls.receive(from, new Uint8Array(8192), server.now());
      tcpCalls.shutdownSend(from, server.now());
    });
    server.kick();
  };
  if (client === server) {
    client.onChanged(() => {
      onClient();
      onServer();
    });
  } else {
    client.onChanged(onClient);
    server.onChanged(onServer);
  }
  client.kick();
  return progress;
}

/** A hash of all packets of a link from now on: direction, time, fate and octets. */
function fingerprint({ forward, backward }: Link, now: () => number): () => string {
  const hash = createHash('sha256');
  for (const [name, wire] of [
    ['>', forward],
    ['<', backward],
  ] as const) {
    wire.taps.push((bytes, length, when, fate) => {
      hash.update(`${name} ${when} ${now()} ${fate} ${length} `).update(bytes.subarray(0, length));
    });
  }
  return () => hash.digest('hex');
}

const faulty: LinkSettings = {
  delay: ms(10),
  jitter: ms(2),
  rate: 20_000_000,
  loss: 0.03,
  duplicate: 0.02,
  reorder: 0.03,
  corrupt: 0.02,
};

function lossyTransfer(seed: number): { readonly trace: string; readonly received: number; readonly packets: number } {
  const { network, client, server, link } = pair({ seed, link: faulty });
  const digest = fingerprint(link, () => network.now);
  let packets = 0;
  link.forward.taps.push(() => packets++);
  const progress = transfer(client, server, 300_000);
  network.run(seconds(600));
  return { trace: digest(), received: progress.received, packets };
}

test('the same seed gives the same packets at the same times, and another seed other ones', (t) => {
  const first = lossyTransfer(41);
  const again = lossyTransfer(41);
  const other = lossyTransfer(42);

  t.is(first.received, 300_000, 'seed 41');
  t.is(other.received, 300_000, 'seed 42');
  t.true(first.packets > 200);
  t.deepEqual(again, first);
  t.not(other.trace, first.trace);
});

test('the faults of one link change nothing of what happens on another', (t) => {
  const trace = (otherLink: LinkSettings): string => {
    const network = new Network({ seed: 9 });
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => network.host(name)) as [Host, Host, Host, Host];
    const first = network.link(a, '10.0.0.1/24', b, '10.0.0.2/24', faulty);
    network.link(c, '10.0.1.1/24', d, '10.0.1.2/24', otherLink);
    const digest = fingerprint(first, () => network.now);
    transfer(a, b, 50_000);
    transfer(c, d, 50_000, parseAddress('10.0.1.2')!);
    network.run(seconds(300));
    return digest();
  };

  t.is(trace({ delay: ms(10) }), trace({ delay: ms(3), loss: 0.1, duplicate: 0.1, reorder: 0.1, corrupt: 0.1 }));
});

test('the two directions of a link may differ, and each host sees the MTU of its own', (t) => {
  const { network, client, server, link } = pair({
    link: [
      { delay: ms(10), mtu: 1400 },
      { delay: ms(40), mtu: 600 },
    ],
  });
  const longest = [0, 0];
  link.forward.taps.push((_bytes, length) => {
    longest[0] = Math.max(longest[0]!, length);
  });
  link.backward.taps.push((_bytes, length) => {
    longest[1] = Math.max(longest[1]!, length);
  });
  const { tcb } = transfer(client, server, 10_000);

  const done = network.runUntil(() => tcb.state !== 'SYN-SENT');

  t.true(done);
  t.is(network.now, ms(50));
  network.run(seconds(10));
  t.true(longest[0]! <= 1400 && longest[1]! <= 600, String(longest));
  t.deepEqual([client.stack.interfaces[1]!.mtu, server.stack.interfaces[1]!.mtu], [1400, 600]);
});

test('what is not an address with a prefix length is refused', (t) => {
  const network = new Network();
  const [a, b] = [network.host('a'), network.host('b')];

  t.throws(() => network.link(a, '10.0.0.1/24', b, '10.0.0.2/33'), {
    instanceOf: TypeError,
    message: /10\.0\.0\.2\/33/,
  });
  t.throws(() => network.link(a, 'a', b, 'b'), { instanceOf: TypeError });
});

test('a host without links talks to itself over loopback', (t) => {
  const network = new Network();
  const host = network.host('alone');
  const progress = transfer(host, host, 100_000, loopbackV4);

  network.run(seconds(1));

  t.is(progress.received, 100_000);
});

// How time passes ------------------------------------------------------------------------------------------------------

/** A network with events at these times, which note down what happened when. */
function withEvents(...times: number[]): { readonly network: Network; readonly happened: number[] } {
  const network = new Network({ seed: 77 });
  const happened: number[] = [];
  for (const time of times) network.at(time, () => happened.push(network.now));
  return { network, happened };
}

test('time stands still until somebody moves it', (t) => {
  const { network, happened } = withEvents(0, 10);

  t.is(network.now, 0);
  t.deepEqual(happened, []);
});

test('run lets exactly so much time pass, with all that happens up to its end and nothing beyond', (t) => {
  const { network, happened } = withEvents(30, 10, 20, 21);

  network.run(20);
  const first = [network.now, ...happened];
  network.run(0);
  network.run(0.5);
  network.run(0.5);
  network.run(100);

  t.deepEqual(first, [20, 10, 20]);
  t.is(network.now, 121);
  t.deepEqual(happened, [10, 20, 21, 30]);
});

test('run(0) does what is due now', (t) => {
  const { network, happened } = withEvents(0, 1);

  network.run(0);

  t.deepEqual(happened, [0]);
});

test('events of the same time happen in the order in which they were arranged, those for the past at once', (t) => {
  const network = new Network();
  const order: string[] = [];
  network.at(10, () => {
    order.push('first');
    network.at(3, () => order.push(`past at ${network.now}`));
    network.at(10, () => order.push('third'));
  });
  network.at(10, () => order.push('second'));
  network.at(11, () => order.push('last'));

  network.run(20);

  t.deepEqual(order, ['first', 'second', 'past at 10', 'third', 'last']);
});

test('hundreds of events happen in the order of time and then of arrangement, but not those that were called off', (t) => {
  const network = new Network();
  const happened: [number, number][] = [];
  const expected: [number, number][] = [];
  for (let serial = 0; serial < 500; serial++) {
    const time = (serial * 37) % 50;
    const cancel = network.at(time, () => happened.push([time, serial]));
    if (serial % 3 === 0) cancel();
    else expected.push([time, serial]);
  }

  network.run(100);

  expected.sort(([timeA, serialA], [timeB, serialB]) => timeA - timeB || serialA - serialB);
  t.deepEqual(happened, expected);
});

test('calling off what has happened already is harmless', (t) => {
  const network = new Network();
  let times = 0;
  const cancel = network.at(5, () => times++);

  network.run(10);
  cancel();
  network.run(10);

  t.is(times, 1);
});

test('a timer of a host fires at its time', (t) => {
  const network = new Network();
  const host = network.host('a');
  const fired: number[] = [];
  host.at(ms(5), () => fired.push(host.now()));

  network.run(ms(4));
  const early = fired.length;
  network.run(ms(4));

  t.is(early, 0);
  t.deepEqual(fired, [ms(5)]);
});

test('runUntil stops right behind the event that made it true, and moves no time when it is true already', (t) => {
  const { network, happened } = withEvents(10, 20, 30);

  const done = network.runUntil(() => happened.length === 2);
  const stopped = network.now;
  const again = network.runUntil(() => happened.length === 2);

  t.true(done);
  t.true(again);
  t.is(stopped, 20);
  t.is(network.now, 20);
});

test('runUntil gives up when its limit of time has passed, and says so', (t) => {
  const { network, happened } = withEvents(10, 20, 30);

  const done = network.runUntil(() => happened.length === 3, 25);

  t.false(done);
  t.is(network.now, 25);
  t.deepEqual(happened, [10, 20]);
});

test('runUntil takes what becomes true at the very limit', (t) => {
  const { network, happened } = withEvents(10);

  t.true(network.runUntil(() => happened.length === 1, 10));
});

test('runUntil takes what a host does at once, though no time may pass', (t) => {
  const { network, client, link } = pair({ link: { delay: ms(10) } });
  let packets = 0;
  link.forward.taps.push(() => packets++);
  client.stack.tcp.connect(serverAddress, 80, null, anyV4, network.now);
  client.kick();

  t.true(network.runUntil(() => packets === 1, 0));
  t.is(network.now, 0);
});

// Promises -------------------------------------------------------------------------------------------------------------

test('until gives the value of the promise as soon as it is settled, and lets no more time pass', async (t) => {
  const { network, happened } = withEvents(10, 30);

  const value = await network.until(network.sleep(20).then(() => 'done'));

  t.is(value, 'done');
  t.is(network.now, 20);
  t.deepEqual(happened, [10]);
});

test('until lets no time pass for a promise that is settled already', async (t) => {
  const { network, happened } = withEvents(0, 10);

  t.is(await network.until(Promise.resolve(1)), 1);
  t.is(network.now, 0);
  t.deepEqual(happened, []);
});

test('until rejects as the promise does', async (t) => {
  const network = new Network();
  const failing = network.sleep(5).then(() => Promise.reject(new RangeError('mine')));

  await t.throwsAsync(network.until(failing), { instanceOf: RangeError, message: 'mine' });
  t.is(network.now, 5);
});

test('whoever awaits something in between goes on at the right time', async (t) => {
  const network = new Network();
  const times: number[] = [];
  const walk = async (step: number): Promise<void> => {
    for (let steps = 0; steps < 3; steps++) {
      await network.sleep(step);
      times.push(network.now);
    }
  };

  await network.until(Promise.all([walk(10), walk(7)]));

  t.deepEqual(times, [7, 10, 14, 20, 21, 30]);
});

test('until rejects when nothing is left that could settle the promise, and names the seed', async (t) => {
  const { network, happened } = withEvents(10, 20);

  await t.throwsAsync(network.until(new Promise(() => {})), { message: /virtual time ran out.*seed 77/ });
  t.deepEqual(happened, [10, 20]);
});

test('until rejects when nothing has ever been arranged', async (t) => {
  const network = new Network();
  network.host('idle');

  await t.throwsAsync(network.until(new Promise(() => {})), { message: /virtual time ran out/ });
});

test('until rejects when its limit has passed, though there is more to come, and goes on from there', async (t) => {
  const network = new Network();
  const late = network.sleep(100);

  await t.throwsAsync(network.until(late, 99), { message: /virtual time ran out/ });
  t.is(network.now, 99);
  await network.until(late, 1);

  t.is(network.now, 100);
});

test('until rejects when all that hosts had to do is done, down to their last timers', async (t) => {
  const { network, client, server } = pair({ link: { delay: ms(10) } });
  const progress = transfer(client, server, 1000);

  await t.throwsAsync(network.until(new Promise(() => {})), { message: /virtual time ran out/ });
  t.is(progress.received, 1000);
  t.is(progress.tcb.state, 'CLOSED');
});

test('until can be made to wait for what process.nextTick brings, and then it does', async (t) => {
  const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const work = async (network: Network): Promise<number> => {
    await network.sleep(10);
    await new Promise<void>((resolve) => process.nextTick(resolve));
    await network.sleep(10);
    return network.now;
  };
  const patient = new Network({ breathe });
  const hasty = new Network();

  t.is(await patient.until(work(patient)), 20);
  await t.throwsAsync(hasty.until(work(hasty)), { message: /virtual time ran out/ });
});
