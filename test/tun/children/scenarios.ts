/**
 * What happens on the inside of a network namespace: `scenarios.ts NAME` plays one scenario and prints what it saw as a
 * line of JSON. The namespace belongs to the test that started this process and holds nothing but the loopback interface.
 */
import { execFile, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { attach } from '../../../src/tun/ifreq.ts';
import { adoptDescriptor, openTun, TunError } from '../../../src/tun/index.ts';
import { loadLibc, O_RDWR } from '../../../src/tun/libc.ts';
import { ECHO_REPLY, ECHO_REQUEST, echo, nextEcho, replyTo, succeeds } from './packets.ts';

const KERNEL = '10.77.0.1';
const OURS = '10.77.0.2';
const HELLO = new TextEncoder().encode('hello');

const scenarios: Record<string, () => Promise<unknown>> = {
  async 'ping arrives'() {
    const device = await openTun({ name: 'lab%d', mtu: 1400, addresses: [`${KERNEL}/24`], routes: ['10.78.0.0/16'] });
    const ping = spawn('ping', ['-c', '1', '-W', '5', '10.78.0.9'], { stdio: 'ignore' });
    const request = await nextEcho(device, ECHO_REQUEST);
    device.write(replyTo(request), request.length);
    const answered = await succeeds(ping);
    device.close();
    return { name: device.name, mtu: device.mtu, length: request.length, answered };
  },

  async 'kernel answers'() {
    const device = await openTun({ addresses: [`${KERNEL}/24`] });
    const request = echo(ECHO_REQUEST, OURS, KERNEL, HELLO);
    const written = device.write(request, request.length);
    const reply = await nextEcho(device, ECHO_REPLY);
    device.close();
    return { written, payload: new TextDecoder().decode(reply.subarray(28)) };
  },

  async 'many in a row'() {
    const device = await openTun({ addresses: [`${KERNEL}/24`] });
    const say = (number: number): boolean => {
      const payload = Uint8Array.of(number >> 8, number & 0xff, ...HELLO);
      const request = echo(ECHO_REQUEST, OURS, KERNEL, payload);
      return device.write(request, request.length);
    };
    const answered: number[] = [];
    let written = 0;
    let withWriter = 0;
    while (withWriter < 10) {
      for (let count = 0; count < 300; count++) if (say(written)) written++;
      while (answered.length < written) {
        const reply = await nextEcho(device, ECHO_REPLY);
        answered.push((reply[28]! << 8) | reply[29]!);
      }
      if (device.hasWriter) withWriter++;
      else await delay(100); // the thread is on its way
    }
    const isInOrder = answered.every((number, index) => number === index);
    for (let count = 0; count < 300; count++) say(count);
    device.close();
    const areAll = answered.length === written;
    return { areAll, isInOrder, writeErrors: device.writeErrors, closedAt: Date.now() };
  },

  async 'down in a row'() {
    const device = await openTun({ name: 'lab1', addresses: [`${KERNEL}/24`] });
    const request = echo(ECHO_REQUEST, OURS, KERNEL, HELLO);
    while (!device.hasWriter) {
      for (let count = 0; count < 100; count++) device.write(request, request.length);
      for (let count = 0; count < 100; count++) await nextEcho(device, ECHO_REPLY);
      await delay(100); // the thread is on its way
    }
    await ip('link', 'set', 'lab1', 'down');
    for (let count = 0; count < 100; count++) device.write(request, request.length);
    device.close();
    while (device.writeErrors < 100) await delay(10);
    return { writeErrors: device.writeErrors };
  },

  async 'closed while waiting'() {
    const device = await openTun({ up: true });
    device.onReady(() => {});
    await delay(50); // lets the poll begin
    device.close();
    device.close();
    return { closedAt: Date.now() };
  },

  async 'exit while waiting'() {
    const device = await openTun({ up: true });
    device.onReady(() => {});
    await delay(50); // lets the poll begin
    setImmediate(() => process.exit(7));
    return { closedAt: Date.now() };
  },

  async 'not waiting'() {
    await openTun({ up: true });
    return { closedAt: Date.now() };
  },

  async 'five devices'() {
    const subnets = [1, 2, 3, 4, 5];
    const devices = await Promise.all(subnets.map((n) => openTun({ addresses: [`10.77.${n}.1/24`] })));
    const arrivals = devices.map((device) => nextEcho(device, ECHO_REQUEST));
    let statMs = Infinity; // the best of some: a pool without a free thread would fail them all
    for (let i = 0; i < 5; i++) {
      const start = performance.now();
      await stat('/');
      statMs = Math.min(statMs, performance.now() - start);
    }
    const destinations: string[] = [];
    for (const n of subnets.toReversed()) {
      const ping = spawn('ping', ['-c', '1', '-W', '5', `10.77.${n}.2`], { stdio: 'ignore' });
      const request = await arrivals[n - 1]!;
      destinations.push(request.subarray(16, 20).join('.'));
      devices[n - 1]!.write(replyTo(request), request.length);
      await succeeds(ping);
    }
    for (const device of devices) device.close();
    return { statMs, destinations };
  },

  async 'name in use'() {
    const first = await openTun({ name: 'lab0' });
    first.onReady(() => {});
    const busy = await codeAndMessage(openTun({ name: 'lab0' }));
    first.close();
    const again = await openTun({ name: 'lab0' });
    again.close();
    return { ...busy, reopened: again.name };
  },

  async 'name of another kind'() {
    return codeAndMessage(openTun({ name: 'lo' }));
  },

  async 'no permission to create'() {
    await loadLibc(); // while its files may still be read
    process.setgroups?.([]);
    process.setgid?.(65534);
    process.setuid?.(65534);
    return codeAndMessage(openTun({ name: 'lab0' }));
  },

  async 'ip refuses'() {
    const refused = await codeAndMessage(openTun({ name: 'lab0', up: false, routes: ['10.78.0.0/16'] }));
    return { ...refused, interfaces: interfaces() };
  },

  async 'deleted while waiting'() {
    const device = await openTun({ name: 'lab0' });
    let readies = 0;
    const readAll = (): void => {
      readies++;
      while (device.read(new Uint8Array(65_535)) > 0);
      device.onReady(readAll);
    };
    readAll();
    const reasons: Error[] = [];
    const lost = new Promise<void>((resolve) => {
      device.onLost((reason) => {
        reasons.push(reason);
        resolve();
      });
    });
    await ip('link', 'delete', 'lab0');
    await lost;
    const cpuMs = await cpuUsedDuring(300);
    const request = echo(ECHO_REQUEST, OURS, KERNEL, HELLO);
    const written = device.write(request, request.length);
    device.close();
    return { codes: reasons.map(codeOf), readies, cpuMs, written };
  },

  async 'deleted while reading'() {
    const device = await openTun({ name: 'lab0' });
    await ip('link', 'delete', 'lab0');
    let toldInside = true;
    const lost = new Promise<string | undefined>((resolve) => {
      device.onLost((reason) => resolve(toldInside ? 'inside' : codeOf(reason)));
    });
    const length = device.read(new Uint8Array(65_535));
    toldInside = false;
    return { length, code: await lost };
  },

  async 'down and up'() {
    const device = await openTun({ name: 'lab0', addresses: [`${KERNEL}/24`] });
    let lost = 0;
    device.onLost(() => lost++);
    await ip('link', 'set', 'lab0', 'down');
    const request = echo(ECHO_REQUEST, OURS, KERNEL, HELLO);
    const writtenDown = device.write(request, request.length);
    const readDown = device.read(new Uint8Array(65_535));
    const arrival = nextEcho(device, ECHO_REQUEST);
    const cpuMs = await cpuUsedDuring(300);
    await ip('link', 'set', 'lab0', 'up');
    const ping = spawn('ping', ['-c', '1', '-W', '5', OURS], { stdio: 'ignore' });
    const ours = await arrival;
    device.write(replyTo(ours), ours.length);
    const answered = await succeeds(ping);
    device.close();
    return { writtenDown, readDown, writeErrors: device.writeErrors, cpuMs, lost, answered };
  },

  async 'persistent interface'() {
    await ip('tuntap', 'add', 'dev', 'lab0', 'mode', 'tun');
    await ip('link', 'set', 'lab0', 'mtu', '1300');
    const device = await openTun({ name: 'lab0' });
    const flags = Number(readFileSync('/sys/class/net/lab0/flags', 'latin1'));
    device.close();
    return { mtu: device.mtu, up: (flags & 1) === 1, after: interfaces() };
  },

  async 'inherited descriptor'() {
    const libc = await loadLibc();
    const fd = libc.open('/dev/net/tun', O_RDWR); // blocking
    const unattached = await codeAndMessage(adoptDescriptor(fd));
    attach(libc, fd, 'lab0');
    const device = await adoptDescriptor(fd, { mtu: 1280 });
    await ip('address', 'add', `${KERNEL}/24`, 'dev', 'lab0');
    await ip('link', 'set', 'lab0', 'up');
    const nothing = device.read(new Uint8Array(65_535));
    const request = echo(ECHO_REQUEST, OURS, KERNEL, HELLO);
    device.write(request, request.length);
    const reply = await nextEcho(device, ECHO_REPLY);
    device.close();
    return { unattached, name: device.name, mtu: device.mtu, nothing, length: reply.length };
  },
};

async function ip(...args: string[]): Promise<void> {
  await promisify(execFile)('ip', args);
}

function interfaces(): string[] {
  const lines = readFileSync('/proc/net/dev', 'latin1').trim().split('\n').slice(2);
  return lines.map((line) => line.trim().split(':', 1)[0]!);
}

/** Milliseconds of processor time that this process uses up while `ms` pass. */
async function cpuUsedDuring(ms: number): Promise<number> {
  const before = process.cpuUsage();
  await delay(ms);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

function codeOf(error: unknown): string | undefined {
  return error instanceof TunError ? error.code : undefined;
}

async function codeAndMessage(opening: Promise<unknown>): Promise<{ code: string | undefined; message: string }> {
  return opening.then(
    () => ({ code: 'none', message: '' }),
    (error: Error) => ({ code: codeOf(error), message: error.message }),
  );
}

// Without IPv6 the kernel has nothing to say on an interface of its own accord.
writeFileSync('/proc/sys/net/ipv6/conf/default/disable_ipv6', '1');
console.log(JSON.stringify(await scenarios[process.argv[2]!]!()));
