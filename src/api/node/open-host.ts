import {
  type Device,
  type Micros,
  ms,
  noOffload,
  type Observer,
  type Prefix,
  parsePrefix,
  type Random,
  Stack,
  type StackSettings,
  tcpCalls,
} from '../../stack/index.ts';
import { openTun } from '../../tun/index.ts';
import type { ResolverSettings } from '../dns/resolver.ts';
import { Driver } from '../driver.ts';
import { SocketHost } from '../host.ts';
import { type SocketModule, socketModuleOf } from '../module.ts';
import type { ServicePorts } from '../services.ts';
import { CryptoRandom } from './random.ts';
import { readResolvConf } from './resolv-conf.ts';
import { NodeScheduler } from './scheduler.ts';

/** One interface of a host. */
export interface HostInterface {
  /** The TUN interface to create or to attach to, or a device that is open already. Default: the first free tunN. */
  readonly tun?: string | Device;
  /** Our addresses, with prefix lengths: '10.85.0.2/24'. */
  readonly address: string | readonly string[];
  /** The kernel's addresses at the other end: '10.85.0.1/24'. Without them the interface has to be configured already. */
  readonly peer?: string | readonly string[];
  /** Octets; the device's own by default. */
  readonly mtu?: number;
  /** Let the kernel cut and put together segments, and see to checksums, where it can. Default true. */
  readonly offload?: boolean;
  /**
   * Be one of several hosts, each in a thread or process of its own, that share the interface and the addresses: the kernel
   * keeps every flow to one of them, so they serve the same ports together. Only the first one says `peer`, `mtu` and
   * `routes`. A connection that a host opens itself is found again for as long as the kernel remembers the flow, 3 s of
   * silence; then its packets may go to another one. Default false.
   */
  readonly multiQueue?: boolean;
  /** Further prefixes that the kernel sends to us. */
  readonly routes?: readonly string[];
}

/** What `openHost` wants to know: the first interface, and what the host has and knows besides. */
export interface OpenHostOptions extends HostInterface {
  /** Further interfaces. What no interface is a neighbour of is reached by the first one. */
  readonly interfaces?: readonly HostInterface[];
  /** Names and their addresses, like a hosts file. */
  readonly hosts?: Readonly<Record<string, string | readonly string[]>>;
  /** Services and their ports besides those that are known, like a services file. */
  readonly services?: Readonly<Record<string, ServicePorts>>;
  /** Name servers to ask, and how; null for none. Default: what /etc/resolv.conf says; without that file none. */
  readonly resolver?: ResolverSettings | null;
  /** Try the addresses of a name side by side (RFC 8305). Default false. */
  readonly happyEyeballs?: boolean;
  /** Sockets that may be open at once; one more is EMFILE. Default 65,536. */
  readonly limit?: number;
  /** Raw sockets may be opened. Default false. */
  readonly raw?: boolean;
  /** Settings of the stack, with its defaults for the rest. */
  readonly stack?: StackSettings;
  /** Is told what happens in the stack: states, packets dropped. */
  readonly observer?: Observer;
  /** Default: the system's random numbers. */
  readonly random?: Random;
}

/** A host of ours in real time. */
export interface OpenHost {
  /** What makes packets of calls. */
  readonly stack: Stack;
  /** What turns the stack over its devices. */
  readonly driver: Driver;
  /** The device of the first interface. */
  readonly device: Device;
  /** The devices of all interfaces, in their order. */
  readonly devices: readonly Device[];
  /** The documented module: `host.socket.tcp()` and the rest. */
  readonly socket: SocketModule;
  /** Resolves with the reason if the device is lost: the interface was deleted. */
  readonly lost: Promise<Error>;
  /**
   * Closes every socket, waits up to `timeoutMs` for the connections to end in order, resets what is left, and gives the
   * device back; an interface that was created here disappears. Calling it twice is harmless.
   */
  close(timeoutMs?: number): Promise<void>;
  /** `await using host = await openHost(…)` closes it at the end of the block. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Puts a host on a TUN interface (or on any device): everything beyond our own addresses is reached by it.
 *
 * @example
 *     const host = await openHost({ tun: 'tundra0', address: '10.85.0.2/24', peer: '10.85.0.1/24' });
 *     const [listener] = host.socket.tcp();
 *
 * @throws TypeError an address that is none, or no address at all
 * @throws TunError the interface cannot be opened or configured; one line that says what to do
 */
export async function openHost(options: OpenHostOptions): Promise<OpenHost> {
  const interfaces = [options, ...(options.interfaces ?? [])];
  const addresses = interfaces.map(({ address }) => listOf(address).map(prefixOf));
  if (addresses.some((list) => list.length === 0)) throw new TypeError('openHost: an interface needs an address');
  const devices = await openAll(interfaces);
  const stack = new Stack(options.random ?? new CryptoRandom(), inRealTime(options.stack), options.observer ?? null);
  for (const [index, device] of devices.entries()) {
    const mtu = interfaces[index]!.mtu ?? device.mtu;
    stack.addInterface({ name: device.name, mtu, offload: device.offload ?? noOffload, addresses: addresses[index]! });
  }
  stack.addRoute(null, 1);
  const driver = new Driver(stack, devices, new NodeScheduler());
  const resolver = options.resolver === undefined ? await readResolvConf() : options.resolver;
  const sockets = new SocketHost(driver, {
    raw: options.raw ?? false,
    happyEyeballs: options.happyEyeballs ?? false,
    ...(options.limit === undefined ? {} : { limit: options.limit }),
    ...(options.hosts === undefined ? {} : { hosts: options.hosts }),
    ...(options.services === undefined ? {} : { services: options.services }),
  });
  let closing: Promise<void> | null = null;
  const close = (timeoutMs = 1000): Promise<void> => {
    closing ??= closeInOrder(sockets, driver, timeoutMs);
    return closing;
  };
  return {
    stack,
    driver,
    device: devices[0]!,
    devices,
    socket: socketModuleOf(sockets, resolver ?? undefined),
    lost: new Promise((resolve) => {
      for (const device of devices) device.onLost(resolve);
    }),
    close,
    [Symbol.asyncDispose]: () => close(),
  };
}

/**
 * Between a TUN and its reader there is a scheduler on either side, and pauses of some milliseconds are nothing out of the
 * ordinary: the 2 ms beyond two round trips that a kernel gives an acknowledgment would draw needless probes.
 */
const inRealTime = (settings: StackSettings = {}): StackSettings => ({
  ...settings,
  tcp: { tailProbeSlack: ms(20), ...settings.tcp },
});

/** Opens the interfaces one after the other; if one cannot be had, those before it are given back. */
async function openAll(interfaces: readonly HostInterface[]): Promise<Device[]> {
  const devices: Device[] = [];
  try {
    for (const each of interfaces) devices.push(await deviceOf(each));
  } catch (error) {
    for (const device of devices) device.close();
    throw error;
  }
  return devices;
}

function deviceOf({ tun, peer, mtu, routes, offload, multiQueue }: HostInterface): Device | Promise<Device> {
  if (typeof tun === 'object') return tun;
  return openTun({
    ...(tun === undefined ? {} : { name: tun }),
    ...(peer === undefined ? {} : { addresses: listOf(peer) }),
    ...(mtu === undefined ? {} : { mtu }),
    offload: offload ?? true,
    multiQueue: multiQueue ?? false,
    ...(routes === undefined ? {} : { routes }),
  });
}

async function closeInOrder(sockets: SocketHost, driver: Driver, timeoutMs: number): Promise<void> {
  const { stack } = driver;
  sockets.closeAll();
  const deadline: Micros = driver.now() + ms(timeoutMs);
  while (hasConnections(stack) && driver.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 5));
  for (const tcb of [...stack.tcp.connections()]) tcpCalls.abort(tcb, driver.now());
  driver.turn(); // the resets, and what else waits to leave
  driver.close();
}

/** TIME-WAIT is left out: it is the peer that would be helped by waiting, and there will be nobody to answer it. */
function hasConnections(stack: Stack): boolean {
  for (const { state } of stack.tcp.connections()) if (state !== 'TIME-WAIT') return true;
  return false;
}

const listOf = (value: string | readonly string[]): readonly string[] => (typeof value === 'string' ? [value] : value);

function prefixOf(text: string): Prefix {
  const prefix = parsePrefix(text);
  if (prefix === null) throw new TypeError(`not an address with a prefix length, such as 10.85.0.2/24: '${text}'`);
  return prefix;
}
