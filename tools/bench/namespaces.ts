import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/**
 * Network namespaces and the processes in them, for one benchmark after the other. Whatever was made is gone when this process
 * ends, however it ends, SIGKILL excepted.
 */

/** Makes a namespace in which nothing is said that nobody asked for and which 10,000 connections fit in. Returns its name. */
export function makeNamespace(): string {
  removeAtExit();
  const name = `tb-${process.pid}-${++made}`;
  ip('netns', 'add', name);
  namespaces.add(name);
  ip('-n', name, 'link', 'set', 'lo', 'up');
  const lines = sysctls.map(([path, value]) => `echo '${value}' > /proc/sys/net/${path}`);
  ip('netns', 'exec', name, 'sh', '-c', lines.join(' && '));
  return name;
}

/** Gives an interface of the namespace its MTU and addresses. */
export function configureInterface(namespace: string, name: string, mtu: number, addresses: readonly string[]): void {
  ip('-n', namespace, 'link', 'set', name, 'mtu', String(mtu), 'up');
  for (const address of addresses) ip('-n', namespace, 'address', 'add', address, 'dev', name);
}

/** Starts a command in the namespace, or where this process is. Its id is the command's, not that of a shell around it. */
export function start(namespace: string | null, command: string, args: readonly string[]): ChildProcess {
  removeAtExit();
  const [program, ...rest] =
    namespace === null ? [command, ...args] : ['ip', 'netns', 'exec', namespace, command, ...args];
  const child = spawn(program!, rest, { cwd: root, env, stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.on('error', () => {}); // it has ended before it has read everything: its output says why
  children.add(child);
  child.once('exit', () => children.delete(child));
  return child;
}

/** Waits for a line of standard output. @throws Error the process has ended without one; with what it said of it */
export function lineOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let complaint = '';
    child.stderr!.on('data', (data: Buffer) => {
      complaint += data.toString();
    });
    createInterface({ input: child.stdout! }).once('line', resolve);
    child.once('error', reject);
    child.once('close', (code, signal) => {
      reject(new Error(`${child.spawnargs.join(' ')}: ${complaint.trim() || `ended with ${signal ?? code}`}`));
    });
  });
}

/** Ends processes: in order if they do so within some seconds, or else at once. */
export async function stop(...processes: readonly ChildProcess[]): Promise<void> {
  await Promise.all(
    processes.map(async (child) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), patienceMs);
      await ended;
      clearTimeout(timer);
    }),
  );
}

export function removeNamespaces(...names: readonly string[]): void {
  for (const name of names) {
    spawnSync('ip', ['netns', 'delete', name], { env });
    namespaces.delete(name);
  }
}

/** What else is to be done at the very end. */
export function atExit(action: () => void): void {
  removeAtExit();
  lastThings.push(action);
}

function removeAtExit(): void {
  if (isRemoving) return;
  isRemoving = true;
  process.on('exit', () => {
    for (const child of children) child.kill('SIGKILL');
    removeNamespaces(...namespaces);
    for (const action of lastThings) action();
  });
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    process.on(signal, () => process.exit(code));
  }
}

/** @throws Error with what `ip` says of it, or that there is none */
function ip(...args: readonly string[]): void {
  try {
    execFileSync('ip', args, { env, stdio: 'pipe' });
  } catch (error) {
    const { code, stderr } = error as { code?: string; stderr?: Buffer };
    if (code === 'ENOENT') throw new Error("there is no 'ip' command: install iproute2");
    throw new Error(`ip ${args.join(' ')}: ${stderr?.toString().trim()} (this needs root and Linux)`);
  }
}

let made = 0;
let isRemoving = false;
const namespaces: Set<string> = new Set();
const children: Set<ChildProcess> = new Set();
const lastThings: (() => void)[] = [];
const patienceMs = 3000;
const root = fileURLToPath(new URL('../..', import.meta.url));
/** Administrators' commands are not always on the path of whoever became root. */
const { PATH = '' } = process.env;
const env = { ...process.env, PATH: `${PATH}:/usr/sbin:/sbin`, LC_ALL: 'C' };

const sysctls: readonly (readonly [path: string, value: string])[] = [
  ['ipv4/ip_local_port_range', '1024 65535'],
  ['ipv4/tcp_no_metrics_save', '1'],
  ['ipv4/tcp_tw_reuse', '1'],
  ['ipv4/tcp_max_tw_buckets', '2000'],
  ['ipv4/tcp_max_syn_backlog', '8192'],
  ['core/somaxconn', '4096'],
  ['ipv6/conf/all/accept_dad', '0'],
  ['ipv6/conf/default/accept_dad', '0'],
  ['ipv6/conf/default/router_solicitations', '0'],
  ['ipv6/conf/default/addr_gen_mode', '1'],
];
