/**
 * The kernel's side of a TUN interface: addresses, MTU, up, routes, through iproute2's `ip` (see ip(8)).
 *
 * One run of `ip -batch -` configures everything, a second one reads the MTU back. No shell is involved, and whatever
 * becomes part of the batch has passed `checkInterface` first, so that it is one word and nothing but what it says.
 */
import { execFile } from 'node:child_process';
import { isIPv4, isIPv6 } from 'node:net';
import { ipFailed, ipMissing } from './errors.ts';
import { IFNAMSIZ } from './ifreq.ts';

/** How the kernel's side is to look. What is left out stays as it is. */
export interface InterfaceConfig {
  /** Octets, 68 (RFC 791) to 65,535; IPv6 needs 1280 (RFC 8200 section 5). */
  readonly mtu?: number;
  /** The kernel's own addresses on the interface, each with a prefix length: '10.0.0.1/24', 'fd00::1/64'. */
  readonly addresses?: readonly string[];
  /** Further prefixes to send into the interface: '10.9.0.0/16', '::/0'. */
  readonly routes?: readonly string[];
  readonly up?: boolean;
}

/**
 * Checks what will become words of a batch.
 * @throws TypeError an address or route that is not an address with a prefix length
 * @throws RangeError an MTU that is not an integer from 68 to 65,535
 */
export function checkInterface({ mtu, addresses = [], routes = [] }: InterfaceConfig): void {
  if (mtu !== undefined && !(Number.isInteger(mtu) && mtu >= 68 && mtu <= 65_535)) {
    throw new RangeError(`an MTU is 68 to 65535 octets, not ${mtu}`);
  }
  for (const cidr of [...addresses, ...routes]) {
    if (!isCidr(cidr)) throw new TypeError(`not an address with a prefix length, such as 10.0.0.1/24: '${cidr}'`);
  }
}

/** Whether the kernel's rules and ours allow this as an interface name; one '%d' may stand for a number to be chosen. */
export function isInterfaceName(name: string): boolean {
  return name.length < IFNAMSIZ && /^[A-Za-z0-9_][A-Za-z0-9_.-]*(%d)?$/.test(name);
}

/**
 * Configures the interface `name`, if anything is asked for.
 * @throws TunError ENOIPROUTE when there is no `ip` command, EIPROUTE when it refuses
 */
export async function configureInterface(name: string, config: InterfaceConfig): Promise<void> {
  const { mtu, addresses = [], routes = [], up } = config;
  const batch: string[] = [];
  if (mtu !== undefined) batch.push(`link set dev ${name} mtu ${mtu}`);
  for (const cidr of addresses) batch.push(`address replace ${cidr} dev ${name}`);
  if (up !== undefined) batch.push(`link set dev ${name} ${up ? 'up' : 'down'}`);
  for (const cidr of routes) batch.push(`route replace ${cidr} dev ${name}`); // they need the interface up
  if (batch.length > 0) await ip(['-batch', '-'], `${batch.join('\n')}\n`);
}

/**
 * The MTU of the interface `name`, in octets. (/sys/class/net would show the namespace in which /sys was mounted.)
 * @throws TunError ENOIPROUTE, EIPROUTE
 */
export async function readMtu(name: string): Promise<number> {
  const output = await ip(['-j', 'link', 'show', 'dev', name], '');
  const links = JSON.parse(output) as readonly { readonly mtu?: number }[];
  const mtu = links[0]?.mtu;
  if (mtu === undefined) throw ipFailed(`no MTU told for ${name}`, undefined);
  return mtu;
}

function ip(args: readonly string[], input: string): Promise<string> {
  // Administrators' commands are not always on the path of whoever became root.
  const { PATH = '' } = process.env;
  const env = { ...process.env, PATH: `${PATH}:/usr/sbin:/sbin`, LC_ALL: 'C' };
  return new Promise((resolve, reject) => {
    const child = execFile('ip', args, { env, timeout: IP_TIMEOUT_MS }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(error.code === 'ENOENT' ? ipMissing(error) : ipFailed(stderr || error.message, error));
    });
    child.stdin?.on('error', () => {}); // it ended without reading everything: the callback above says why
    child.stdin?.end(input);
  });
}

function isCidr(text: string): boolean {
  const [address = '', prefix = '', ...rest] = text.split('/');
  if (rest.length > 0 || !/^\d{1,3}$/.test(prefix)) return false;
  if (isIPv4(address)) return Number(prefix) <= 32;
  return isIPv6(address) && !address.includes('%') && Number(prefix) <= 128;
}

const IP_TIMEOUT_MS = 10_000;
