/**
 * A network namespace with one TUN interface, for one script. A namespace belongs to a thread: every namespace of a
 * process is made and used on this one, which is in it only as long as a function given to `inside` runs.
 */
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { addresses, addressOctets } from '../../src/script/index.ts';
import { adoptDescriptor, type TunDevice } from '../../src/tun/index.ts';
import { type KernelLibc, loadKernelLibc } from './kernel-libc.ts';

export class KernelNamespace {
  readonly libc: KernelLibc;
  readonly device: TunDevice;
  readonly #fd: number;
  /** The device's descriptor once more. */
  readonly #tun: number;
  #isClosed = false;

  private constructor(libc: KernelLibc, fd: number, tun: number, device: TunDevice) {
    this.libc = libc;
    this.#fd = fd;
    this.#tun = tun;
    this.device = device;
  }

  /** @throws Error when it cannot be made: no privileges, or no such sysctl */
  static async make(
    mtu: number,
    sysctls: readonly (readonly [name: string, value: string])[],
  ): Promise<KernelNamespace> {
    const libc = await loadKernelLibc();
    home ??= openSync('/proc/thread-self/ns/net', 'r');
    // From here on to `setns` nothing may wait: other scripts use this thread too.
    if (libc.unshare(CLONE_NEWNET) < 0) throw new Error(`no network namespace to be had: ${libc.errorName()}`);
    let tun: number;
    let fd: number;
    try {
      fd = openSync('/proc/thread-self/ns/net', 'r');
      for (const [name, value] of [...quiet, ...sysctls]) writeSysctl(name, value);
      tun = openInterface(libc, mtu);
    } finally {
      libc.setns(home, CLONE_NEWNET);
    }
    const device = await adoptDescriptor(tun, { name: interfaceName, mtu });
    const namespace = new KernelNamespace(libc, fd, libc.dup(tun), device);
    while (namespace.inside(hasTentativeAddress)) await new Promise((resolve) => setTimeout(resolve, 1));
    return namespace;
  }

  /** Runs something that must not wait in the namespace. */
  inside<T>(action: () => T): T {
    this.libc.setns(this.#fd, CLONE_NEWNET);
    try {
      return action();
    } finally {
      this.libc.setns(home!, CLONE_NEWNET);
    }
  }

  /**
   * The kernel removes it, with everything in it, once nothing of it is open. Taking the interface down takes it a tenth of
   * a second, which the other scripts must not have to wait: the last one of the device's descriptors, which lets go of its
   * own when nobody polls it any more, is closed on another thread.
   */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.device.close();
    closeSync(this.#fd);
    await new Promise((resolve) => setTimeout(resolve, LETTING_GO_MS));
    await this.libc.closing.later(this.#tun);
  }
}

/** The namespace that this thread belongs to. */
let home: number | undefined;

const interfaceName = 'tun0';
const CLONE_NEWNET = 0x40000000;
const LETTING_GO_MS = 100;

/**
 * What is not Linux's default: nothing is sent that no script asks for (address detection, router solicitations,
 * link-local addresses and their group reports), and no connection learns from the ones before.
 */
const quiet: readonly (readonly [string, string])[] = [
  ['net.ipv6.conf.default.accept_dad', '0'],
  ['net.ipv6.conf.default.dad_transmits', '0'],
  ['net.ipv6.conf.default.router_solicitations', '0'],
  ['net.ipv6.conf.default.addr_gen_mode', '1'],
  ['net.ipv4.tcp_no_metrics_save', '1'],
];

function writeSysctl(name: string, value: string): void {
  try {
    writeFileSync(`/proc/sys/${name.replaceAll('.', '/')}`, value);
  } catch (error) {
    throw new Error(`sysctl ${name}=${value}: ${(error as NodeJS.ErrnoException).code}`);
  }
}

/** The kernel looks for duplicates of IPv6 addresses a moment after they were given, even when it is not to look. */
function hasTentativeAddress(): boolean {
  const table = readFileSync('/proc/thread-self/net/if_inet6', 'latin1').trim();
  return table.split('\n').some((line) => (Number.parseInt(line.split(/\s+/)[4] ?? '0', 16) & IFA_F_TENTATIVE) !== 0);
}

/** Makes the interface and gives it addresses and default routes; no `ip` command is spawned, which would take too long. */
function openInterface(libc: KernelLibc, mtu: number): number {
  const check = (what: string, result: number): number => {
    if (result < 0) throw new Error(`${what}: ${libc.errorName()}`);
    return result;
  };
  const tun = check('open /dev/net/tun', libc.open('/dev/net/tun', O_RDWR | O_NONBLOCK | O_CLOEXEC));
  const v4 = check('socket', libc.socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const v6 = check('socket', libc.socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  try {
    const request = (name: string, fill: (view: DataView) => void = () => {}): Uint8Array => {
      const bytes = new Uint8Array(40);
      bytes.set(new TextEncoder().encode(name));
      fill(new DataView(bytes.buffer));
      return bytes;
    };
    const socketAddress = (octets: readonly number[] | Uint8Array) => (view: DataView) => {
      view.setUint16(16, AF_INET, true);
      octets.forEach((octet, index) => {
        view.setUint8(20 + index, octet);
      });
    };
    const up = (view: DataView): void => view.setUint16(16, IFF_UP, true);
    check(
      'TUNSETIFF',
      libc.ioctl(
        tun,
        TUNSETIFF,
        request(interfaceName, (view) => view.setUint16(16, IFF_TUN | IFF_NO_PI, true)),
      ),
    );
    check('lo up', libc.ioctl(v4, SIOCSIFFLAGS, request('lo', up)));
    check(
      'mtu',
      libc.ioctl(
        v4,
        SIOCSIFMTU,
        request(interfaceName, (view) => view.setInt32(16, mtu, true)),
      ),
    );
    check('up', libc.ioctl(v4, SIOCSIFFLAGS, request(interfaceName, up)));
    check('address', libc.ioctl(v4, SIOCSIFADDR, request(interfaceName, socketAddress(addressOctets.host[4]))));
    check('mask', libc.ioctl(v4, SIOCSIFNETMASK, request(interfaceName, socketAddress([255, 255, 0, 0]))));
    check('route', libc.ioctl(v4, SIOCADDRT, defaultRoute()));
    const index = request(interfaceName);
    check('index', libc.ioctl(v4, SIOCGIFINDEX, index));
    const interfaceIndex = new DataView(index.buffer).getInt32(16, true);
    oneSegmentAtATime(libc, interfaceIndex);
    if (mtu >= 1280) {
      check('IPv6 address', libc.ioctl(v6, SIOCSIFADDR, address6(interfaceIndex)));
      check('IPv6 route', libc.ioctl(v6, SIOCADDRT, defaultRoute6(interfaceIndex)));
    }
    return tun;
  } catch (error) {
    libc.close(tun);
    throw error;
  } finally {
    libc.close(v4);
    libc.close(v6);
  }
}

/**
 * The kernel gives its devices several segments in one piece, and sets PSH on every piece: that is about devices, and
 * shows nothing of TCP. There is no ioctl for it: rtnetlink(7), RTM_NEWLINK with IFLA_GSO_MAX_SEGS.
 */
function oneSegmentAtATime(libc: KernelLibc, interfaceIndex: number): void {
  const bytes = new Uint8Array(new ArrayBuffer(40));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, true);
  view.setUint16(4, RTM_NEWLINK, true);
  view.setUint16(6, NLM_F_REQUEST | NLM_F_ACK, true);
  view.setInt32(20, interfaceIndex, true);
  view.setUint16(32, 8, true);
  view.setUint16(34, IFLA_GSO_MAX_SEGS, true);
  view.setUint32(36, 1, true);
  const netlink = libc.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0);
  const answer = new Uint8Array(new ArrayBuffer(1024));
  const sent = libc.sendto.now(netlink, bytes, bytes.length, 0, null, 0).value;
  const received = libc.recv.now(netlink, answer, answer.length, 0).value;
  libc.close(netlink);
  const error = new DataView(answer.buffer).getInt32(16, true);
  if (sent < 0 || received < 20 || error !== 0) throw new Error(`the device's segments cannot be limited: ${error}`);
}

/** struct rtentry: everything, by way of an address on the interface. */
function defaultRoute(): Uint8Array {
  const bytes = new Uint8Array(120);
  const view = new DataView(bytes.buffer);
  for (const at of [8, 24, 40]) view.setUint16(at, AF_INET, true);
  bytes.set([192, 168, 0, 2], 24 + 4);
  view.setUint16(56, RTF_UP | RTF_GATEWAY, true);
  return bytes;
}

/** struct in6_ifreq. */
function address6(interfaceIndex: number): Uint8Array {
  const bytes = new Uint8Array(24);
  bytes.set(addressOctets.host[6]);
  const view = new DataView(bytes.buffer);
  view.setUint32(16, 64, true);
  view.setInt32(20, interfaceIndex, true);
  return bytes;
}

/** struct in6_rtmsg. */
function defaultRoute6(interfaceIndex: number): Uint8Array {
  const bytes = new Uint8Array(80);
  const view = new DataView(bytes.buffer);
  view.setUint32(56, 1024, true); // metric
  view.setUint32(72, RTF_UP, true);
  view.setInt32(76, interfaceIndex, true);
  return bytes;
}

/** struct sockaddr_in or sockaddr_in6. */
export function socketAddress(host: string, port: number): Uint8Array {
  if (!isIPv6(host)) {
    const bytes = new Uint8Array(16);
    new DataView(bytes.buffer).setUint16(0, AF_INET, true);
    new DataView(bytes.buffer).setUint16(2, port);
    bytes.set(host.split('.').map(Number), 4);
    return bytes;
  }
  const bytes = new Uint8Array(28);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, AF_INET6, true);
  view.setUint16(2, port);
  bytes.set(octetsOf6(host), 8);
  return bytes;
}

function octetsOf6(host: string): number[] {
  if (host === addresses.host[6]) return [...addressOctets.host[6]];
  if (host === addresses.peer[6]) return [...addressOctets.peer[6]];
  const [left = '', right] = host.split('::');
  const groups = (text: string): number[] =>
    text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
  const [before, after] = [groups(left), groups(right ?? '')];
  const all = [...before, ...new Array<number>(Math.max(0, 8 - before.length - after.length)).fill(0), ...after];
  return all.flatMap((group) => [group >> 8, group & 255]);
}

// Linux's numbers, the same on x64, arm64 and riscv64.
const AF_INET = 2;
const AF_INET6 = 10;
const AF_NETLINK = 16;
const RTM_NEWLINK = 16;
const NLM_F_REQUEST = 1;
const NLM_F_ACK = 4;
const IFLA_GSO_MAX_SEGS = 40;
const SOCK_RAW = 3;
const SOCK_DGRAM = 2;
export const SOCK_CLOEXEC = 0o2000000;
export const O_NONBLOCK = 0o4000;
const O_RDWR = 2;
const O_CLOEXEC = 0o2000000;
const IFF_UP = 1;
const IFF_TUN = 1;
const IFF_NO_PI = 0x1000;
const TUNSETIFF = 0x400454ca;
const SIOCADDRT = 0x890b;
const SIOCSIFFLAGS = 0x8914;
const SIOCSIFADDR = 0x8916;
const SIOCSIFNETMASK = 0x891c;
const SIOCSIFMTU = 0x8922;
const SIOCGIFINDEX = 0x8933;
const IFA_F_TENTATIVE = 0x40;
const RTF_UP = 1;
const RTF_GATEWAY = 2;
