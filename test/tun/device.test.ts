/** The TUN device with the Linux kernel at its other end, each time in a network namespace that the test makes and removes. */
import test, { type ExecutionContext } from 'ava';
import { adoptTun, openTun, TunError, type TunLike } from '../../src/tun/index.ts';
import { play, whyNoTun } from './namespace.ts';

const missing = whyNoTun();
if (missing !== undefined) console.warn(`THE TUN TESTS DID NOT RUN: ${missing}`);

/** A test that needs a real TUN; where there is none it says so and passes. */
function tunTest(title: string, body: (t: ExecutionContext) => Promise<void>): void {
  test(title, async (t) => {
    if (missing === undefined) return body(t);
    t.log(`did not run: ${missing}`);
    t.pass();
  });
}

function isOneLine(text: unknown): boolean {
  return typeof text === 'string' && text.length > 0 && !text.includes('\n');
}

tunTest('a ping of the kernel is read as a packet, and the written reply satisfies it', async (t) => {
  const { seen } = await play('ping arrives');

  t.deepEqual(seen, { name: 'lab0', mtu: 1400, length: 84, answered: true });
});

tunTest('the kernel answers a written echo request', async (t) => {
  const { seen } = await play('kernel answers');

  t.deepEqual(seen, { written: true, payload: 'hello' });
});

tunTest(
  'many packets in a row, which another thread writes, arrive in order, and closing waits for the last',
  async (t) => {
    const {
      seen: { closedAt, ...seen },
      exitCode,
      exitedAt,
    } = await play('many in a row');

    t.deepEqual(seen, { areAll: true, isInOrder: true, writeErrors: 0 });
    t.is(exitCode, 0);
    t.true(exitedAt - Number(closedAt) < 1000);
  },
);

tunTest('of many packets in a row those are counted that the kernel does not take', async (t) => {
  const { seen } = await play('down in a row');

  t.deepEqual(seen, { writeErrors: 100 });
});

tunTest('closing a device that waits for packets lets the process exit within a second', async (t) => {
  const {
    seen: { closedAt },
    exitCode,
    exitedAt,
  } = await play('closed while waiting');

  t.is(exitCode, 0);
  t.true(exitedAt - Number(closedAt) < 1000);
});

tunTest('process.exit() takes less than a second while a device waits for packets', async (t) => {
  const {
    seen: { closedAt },
    exitCode,
    exitedAt,
  } = await play('exit while waiting');

  t.is(exitCode, 7);
  t.true(exitedAt - Number(closedAt) < 1000);
});

tunTest('an open device that waits for nothing does not keep the process alive', async (t) => {
  const {
    seen: { closedAt },
    exitCode,
    exitedAt,
  } = await play('not waiting');

  t.is(exitCode, 0);
  t.true(exitedAt - Number(closedAt) < 1000);
});

tunTest('five devices wait at once, each is told of its own packets, and file operations go on', async (t) => {
  const {
    seen: { destinations, statMs },
  } = await play('five devices');

  t.deepEqual(destinations, ['10.77.5.2', '10.77.4.2', '10.77.3.2', '10.77.2.2', '10.77.1.2']);
  t.true(Number(statMs) < 50);
});

tunTest('a name in use is EBUSY in one line, and free again at once after close()', async (t) => {
  const {
    seen: { code, message, reopened },
  } = await play('name in use');

  t.is(code, 'EBUSY');
  t.regex(String(message), /^TUN interface lab0 is in use: choose another name/);
  t.true(isOneLine(message));
  t.is(reopened, 'lab0');
});

tunTest('the name of another kind of interface is EINVAL in one line', async (t) => {
  const {
    seen: { code, message },
  } = await play('name of another kind');

  t.is(code, 'EINVAL');
  t.true(isOneLine(message));
});

tunTest('without privileges the error says in one line how to get a device', async (t) => {
  const {
    seen: { code, message },
  } = await play('no permission to create');

  t.true(code === 'EACCES' || code === 'EPERM'); // depends on the mode of /dev/net/tun
  t.regex(String(message), /run as root/);
  t.true(isOneLine(message));
});

tunTest('when the ip command refuses, its reason is told and the interface is gone', async (t) => {
  const {
    seen: { code, message, interfaces },
  } = await play('ip refuses');

  t.is(code, 'EIPROUTE');
  t.regex(String(message), /^the `ip` command refused: ./);
  t.true(isOneLine(message));
  t.deepEqual(interfaces, ['lo']);
});

tunTest('an interface deleted under a waiting device is told once, and costs nothing from then on', async (t) => {
  const {
    seen: { codes, readies, cpuMs, written },
  } = await play('deleted while waiting');

  t.deepEqual(codes, ['EBADFD']);
  t.is(readies, 1);
  t.true(Number(cpuMs) < 100);
  t.false(written);
});

tunTest('an interface found deleted by a read is told after that read', async (t) => {
  const { seen } = await play('deleted while reading');

  t.deepEqual(seen, { length: 0, code: 'EBADFD' });
});

tunTest('an interface that goes down drops packets without spinning, and goes on when it is up again', async (t) => {
  const { seen } = await play('down and up');

  const { cpuMs, ...rest } = seen;
  t.deepEqual(rest, { writtenDown: false, readDown: 0, writeErrors: 1, lost: 0, answered: true });
  t.true(Number(cpuMs) < 100);
});

tunTest('attaching to a persistent interface changes nothing about it', async (t) => {
  const { seen } = await play('persistent interface');

  t.deepEqual(seen, { mtu: 1300, up: false, after: ['lo', 'lab0'] });
});

tunTest('an inherited descriptor becomes a device, unless it is attached to nothing', async (t) => {
  const { seen } = await play('inherited descriptor');

  const { unattached, ...rest } = seen;
  t.is((unattached as { code: string }).code, 'EINVAL');
  t.deepEqual(rest, { name: 'lab0', mtu: 1280, nothing: 0, length: 33 });
});

test('names, addresses and MTUs that cannot be are refused before anything is opened', async (t) => {
  for (const name of ['', 'a b', 'a/b', '-a', 'sixteen-letters-', 'a\nlink delete b', '%d', '%dx', '..']) {
    await t.throwsAsync(openTun({ name }), { instanceOf: TypeError }, name);
  }
  for (const cidr of [
    '10.0.0.1',
    '10.0.0.1/33',
    '10.0.0.1/8 dev b',
    '10.1/8',
    'fe80::1%lo/64',
    '::/129',
    '::/1\n',
    'up',
  ]) {
    await t.throwsAsync(openTun({ addresses: [cidr] }), { instanceOf: TypeError }, cidr);
    await t.throwsAsync(openTun({ routes: [cidr] }), { instanceOf: TypeError }, cidr);
  }
  for (const mtu of [0, 67, 65_536, 1500.5, Number.NaN]) {
    await t.throwsAsync(openTun({ mtu }), { instanceOf: RangeError }, String(mtu));
  }
});

/** A tuntap2-like object without a kernel: what is written stays, what arrives is up to the test. */
class FakeTun implements TunLike {
  readonly name = 'fake0';
  readonly mtu = 1400;
  readonly written: Uint8Array[] = [];
  released = 0;
  readonly #listeners = new Map<string, (argument: never) => void>();

  write(packet: Uint8Array): void {
    this.written.push(packet);
  }
  on(event: string, listener: (argument: never) => void): void {
    this.#listeners.set(event, listener);
  }
  release(): void {
    this.released++;
  }
  arrive(packet: Uint8Array): void {
    this.#listeners.get('data')?.(packet as never);
  }
  fail(error: Error): void {
    this.#listeners.get('error')?.(error as never);
  }
}

test('an adopted device copies packets on the way in and on the way out', (t) => {
  const tun = new FakeTun();
  const device = adoptTun(tun);
  const into = new Uint8Array(65_535);
  const packet = Uint8Array.of(1, 2, 3);

  tun.arrive(packet);
  device.write(packet, 2);
  packet.fill(9);

  t.is(device.read(into), 3);
  t.deepEqual(into.slice(0, 3), Uint8Array.of(1, 2, 3));
  t.is(device.read(into), 0);
  t.deepEqual([...tun.written[0]!], [1, 2]);
  t.deepEqual([device.name, device.mtu], ['fake0', 1400]);
});

test('an adopted device calls ready once, later, whether the packet was there before or comes after', async (t) => {
  const tun = new FakeTun();
  const device = adoptTun(tun);
  const turn = async (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  let readies = 0;

  tun.arrive(Uint8Array.of(1));
  device.onReady(() => readies++);
  t.is(readies, 0);
  await turn();
  t.is(readies, 1);

  device.read(new Uint8Array(65_535));
  device.onReady(() => readies++);
  await turn();
  t.is(readies, 1);
  tun.arrive(Uint8Array.of(2));
  tun.arrive(Uint8Array.of(3));
  t.is(readies, 1);
  await turn();
  t.is(readies, 2);
});

test('an adopted device keeps 1,024 packets in order and counts the ones that it drops', (t) => {
  const tun = new FakeTun();
  const device = adoptTun(tun);
  const into = new Uint8Array(65_535);
  const numbered = (n: number): Uint8Array => Uint8Array.of(n >> 8, n & 255);

  for (let n = 0; n < 1000; n++) tun.arrive(numbered(n));
  for (let n = 0; n < 1000; n++) device.read(into);
  for (let n = 0; n < 1030; n++) tun.arrive(numbered(n));

  t.is(device.readDrops, 6);
  for (let n = 0; n < 1024; n++) {
    device.read(into);
    if (into[0] !== n >> 8 || into[1] !== (n & 255)) t.fail(`packet ${n} is out of order`);
  }
  t.is(device.read(into), 0);
});

test('an adopted device drops and counts what its object refuses or is too far behind to take', (t) => {
  const tun = new FakeTun();
  const device = adoptTun(tun);
  const packet = new Uint8Array(100);

  Object.assign(tun, { writableLength: 2 * 1024 * 1024 });
  t.false(device.write(packet, 100));
  Object.assign(tun, {
    writableLength: 0,
    write: () => {
      throw new Error('destroyed');
    },
  });
  t.false(device.write(packet, 100));

  t.is(device.writeErrors, 2);
});

test('an adopted device whose object fails is lost once, and released once by close()', async (t) => {
  const tun = new FakeTun();
  const device = adoptTun(tun);
  const reasons: Error[] = [];
  device.onLost((reason) => reasons.push(reason));

  tun.fail(new Error('read failed'));
  tun.fail(new Error('and again'));
  await new Promise((resolve) => setImmediate(resolve));
  device.close();
  device.close();

  t.is(reasons.length, 1);
  t.true(reasons[0] instanceof TunError && reasons[0].message.includes('read failed'));
  t.false(device.write(Uint8Array.of(1), 1));
  t.is(tun.released, 1);
});
