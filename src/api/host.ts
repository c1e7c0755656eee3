import type { Address, Endpoint, Runner, UnixType } from '../stack/index.ts';
import type { Description } from './description.ts';
import type { ResolverSettings } from './dns/resolver.ts';
import type { Linger, MakeEnd, Readiness } from './ends/end.ts';
import { UnixEnd } from './ends/unix.ts';
import type { HostsTable, Lookup, NameContext } from './names.ts';
import { knownServices, type ServicePorts, type ServicesTable } from './services.ts';
import { Waiting } from './waiting.ts';

/** What a host knows, and what its sockets may do. */
export interface HostSettings {
  /** Names and their addresses, like a hosts file. `localhost` is there already. */
  readonly hosts?: Readonly<Record<string, string | readonly string[]>>;
  /** Services and their ports, besides those that are known; like a services file. */
  readonly services?: Readonly<Record<string, ServicePorts>>;
  /** Name servers to ask, and how. Without any, only the tables are looked at. */
  readonly resolver?: ResolverSettings;
  /** Try the addresses of a name side by side (RFC 8305); an AF_INET6 socket then tries IPv4 too. Default: one after the other. */
  readonly happyEyeballs?: boolean;
  /** Sockets that may be open at once. Default 65,536. */
  readonly limit?: number;
  /** Raw sockets may be opened, which on Linux takes root. Default false: EPERM. */
  readonly raw?: boolean;
}

/** What a host knows of a socket. */
export interface OpenSocket {
  wake(): void;
  close(): void;
  fileno(): number;
  poll(): Readiness;
  onceChanged(look: () => void): () => void;
}

/**
 * What the sockets of one host share: who turns the stack, the names it knows, the descriptor numbers. Once closed it is dead:
 * sockets, those that were asked for and `select` are EBADF, names EAI_FAIL; calls that wait end so at once.
 */
export class SocketHost implements NameContext {
  /** Who turns the stack. */
  readonly runner: Runner;
  /** Names that resolve without asking anybody, in lower case. */
  readonly hosts: HostsTable;
  /** Services and their ports. */
  readonly services: ServicesTable;
  /** Set by the module, which can make the sockets that it takes. */
  lookup: Lookup | null = null;
  /** Raw sockets may be opened. */
  readonly mayOpenRaw: boolean;
  /** The addresses of a name are tried side by side (RFC 8305). */
  readonly happyEyeballs: boolean;
  /** Those who wait for none of the sockets: told when the host is closed. */
  readonly closing: Waiting;
  readonly #limit: number;
  readonly #open: Map<number, Opened> = new Map();
  readonly #lost: FinalizationRegistry<Opened>;
  #hasWarned = false;
  #isClosed = false;
  /** No number below this one is free. */
  #lowest = firstDescriptor;

  constructor(runner: Runner, settings: HostSettings = {}) {
    const names = Object.entries({ localhost: ['127.0.0.1', '::1'], ...settings.hosts });
    this.runner = runner;
    this.hosts = new Map(
      names.map(([name, value]) => [name.toLowerCase(), typeof value === 'string' ? [value] : value]),
    );
    this.services = new Map(Object.entries({ ...knownServices, ...settings.services }));
    this.#limit = settings.limit ?? 65_536;
    this.mayOpenRaw = settings.raw ?? false;
    this.happyEyeballs = settings.happyEyeballs ?? false;
    this.closing = new Waiting(runner);
    this.#lost = new FinalizationRegistry((lost) => this.#onLost(lost));
    runner.onChanged((endpoint) => ((endpoint as Endpoint).owner as Waiting | null)?.wake());
  }

  /** Makes an end of AF_UNIX. */
  makeUnix(type: UnixType): MakeEnd {
    return (context) => new UnixEnd(context, type);
  }

  /** The interfaces of the stack, for zones ('fe80::1%tun0'). */
  get interfaces(): readonly { readonly name: string; readonly index: number }[] {
    return this.runner.stack.interfaces;
  }

  /** Has an interface besides loopback an address of this family? */
  hasAddress(isV4: boolean): boolean {
    const { interfaces } = this.runner.stack;
    return interfaces.some(
      ({ index, addresses }) => index > 0 && addresses.some(({ address }) => address.isV4 === isV4),
    );
  }

  /** The addresses in the order in which they should be tried (RFC 6724 section 6). */
  order(addresses: readonly Address[]): Address[] {
    return this.runner.stack.orderDestinations(addresses);
  }

  /** As many sockets are open as may be: the next one is EMFILE. */
  get isFull(): boolean {
    return this.#open.size >= this.#limit;
  }

  /** Gives a socket the lowest free descriptor number, from 3 on, as a kernel does. */
  add(socket: OpenSocket, description: Description): number {
    let fd = this.#lowest;
    while (this.#open.has(fd)) fd++;
    this.#lowest = fd + 1;
    const opened = new Opened(socket, fd, description);
    description.holders++;
    this.#open.set(fd, opened);
    this.#lost.register(socket, opened, socket);
    this.runner.hold(true);
    return fd;
  }

  /** The socket with this descriptor number, or null. */
  socketAt(fd: number): OpenSocket | null {
    return this.#open.get(fd)?.deref() ?? null;
  }

  /** Takes back the number of a socket, and what is behind it if no other has that too. */
  remove(fd: number, socket: OpenSocket, description: Description): Linger | null {
    this.#lost.unregister(socket);
    return this.#takeBack(fd, description);
  }

  #takeBack(fd: number, description: Description): Linger | null {
    this.#open.delete(fd);
    this.#lowest = Math.min(this.#lowest, fd);
    if (this.#open.size === 0) this.runner.hold(false);
    return this.release(description);
  }

  /** One less has it. The last one closes it. */
  release(description: Description): Linger | null {
    const { end, settings } = description;
    if (--description.holders > 0) return null;
    const linger = end.close();
    for (const { group, interfaceIndex } of settings.memberships ?? [])
      this.runner.stack.leaveGroup(group, interfaceIndex);
    this.runner.kick();
    return linger;
  }

  /** Nothing can be done with this host any more. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Closes every socket, as its own `close` does, and the host for good. Calling it twice is harmless. */
  closeAll(): void {
    this.#isClosed = true;
    for (const socket of [...this.#open.values()]) socket.deref()?.close();
    this.closing.wake();
  }

  /** Nobody holds an open socket any more, and nothing waits for it: it is closed, as a language with finalizers does. */
  #onLost({ fd, description }: Opened): void {
    this.#takeBack(fd, description);
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    const { console } = globalThis as { console?: { warn(text: string): void } };
    console?.warn(`tundra: socket ${fd} was lost without being closed (told once)`);
  }
}

/** A descriptor: it does not hold its socket, and is what is left of one that its user has lost. */
class Opened extends WeakRef<OpenSocket> {
  readonly fd: number;
  readonly description: Description;

  constructor(socket: OpenSocket, fd: number, description: Description) {
    super(socket);
    this.fd = fd;
    this.description = description;
  }
}

const firstDescriptor = 3;
