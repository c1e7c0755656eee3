/** Network namespaces for tests with the kernel as the peer: made, used and removed without the machine's own network noticing. */
import { type ChildProcess, execFile, execFileSync, spawn, spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { pipeline, Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('../..', import.meta.url));
const execute = promisify(execFile);
let made = 0;

/** Why no TUN device can be tested here, or undefined when it can. */
export function whyNoTun(): string | undefined {
  if (process.platform !== 'linux') return 'this is not Linux';
  if (process.geteuid?.() !== 0) return 'not root';
  if (!existsSync('/dev/net/tun')) return 'there is no /dev/net/tun';
  const probe = `tundra-${process.pid}-probe`;
  try {
    execFileSync('ip', ['netns', 'add', probe], { stdio: 'pipe' });
    execFileSync('ip', ['netns', 'delete', probe], { stdio: 'pipe' });
    execFileSync('ping', ['-V'], { stdio: 'pipe' });
    return undefined;
  } catch (error) {
    return `no network namespaces, or no ip or ping command: ${(error as Error).message.trim().split('\n').at(-1)}`;
  }
}

/** Why tests cannot use this command, or undefined when they can. */
export function whyNoCommand(name: string): string | undefined {
  const { PATH = '' } = process.env;
  if (!PATH.split(delimiter).some((directory) => isExecutable(join(directory, name))))
    return `there is no ${name} command`;
  if (name === 'nc' && !/\[-\w*N/.test(spawnSync('nc', ['-h'], { encoding: 'utf8' }).stderr)) {
    return 'the nc command has no option -N';
  }
  return undefined;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** How a process ended. */
export interface Ended {
  /** Null when a signal ended it. */
  readonly code: number | null;
  /** `Date.now()` when the process was gone. */
  readonly at: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface RunOptions {
  /** For standard input, which then ends. Without it there is none. */
  readonly input?: string | Iterable<Uint8Array>;
  /** Takes standard output as it comes, which is then not collected. */
  readonly output?: (piece: Uint8Array) => void;
  readonly env?: Readonly<Record<string, string>>;
}

/** A process that a test started. It is killed after 30 s, and when its namespace is removed. */
export class Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  readonly #stdout: Buffer[] = [];
  readonly #stderr: Buffer[] = [];
  #whenHeard: (() => void)[] = [];
  #isOver = false;

  constructor(command: string, args: readonly string[], { input, output, env }: RunOptions = {}) {
    const child = spawn(command, args, {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      timeout: 30_000,
      killSignal: 'SIGKILL',
    });
    this.child = child;
    child.stdout!.on('data', (piece: Buffer) => {
      if (output === undefined) this.#stdout.push(piece);
      else output(piece);
      this.#heard();
    });
    child.stderr!.on('data', (piece: Buffer) => {
      this.#stderr.push(piece);
      this.#heard();
    });
    if (input !== undefined) {
      const pieces = typeof input === 'string' ? [Buffer.from(input)] : input;
      pipeline(Readable.from(pieces, { objectMode: false }), child.stdin!, () => {}); // how it ended tells more
    }
    let at = 0;
    child.once('exit', () => {
      at = Date.now();
    });
    this.ended = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => {
        this.#isOver = true;
        this.#heard();
        resolve({ code, at, stdout: Buffer.concat(this.#stdout), stderr: Buffer.concat(this.#stderr).toString() });
      });
    });
    this.ended.catch(() => {}); // whoever waits for it is told
  }

  /** Waits until what it has printed matches. @throws Error with what it printed, if it ends before */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const printed = Buffer.concat([...this.#stdout, ...this.#stderr]).toString();
      const found = pattern.exec(printed);
      if (found !== null) return found;
      if (this.#isOver) throw new Error(`ended without saying ${pattern}: ${printed}`);
      await new Promise<void>((resolve) => this.#whenHeard.push(resolve));
    }
  }

  #heard(): void {
    for (const resolve of this.#whenHeard.splice(0)) resolve();
  }
}

/** A network namespace of a test's own, with nothing in it but the loopback interface. */
export class Namespace {
  readonly name: string;
  readonly #started: Running[] = [];

  private constructor(name: string) {
    this.name = name;
  }

  static async make(): Promise<Namespace> {
    removeAtExit();
    const namespace = new Namespace(`tundra-${process.pid}-${++made}`);
    present.add(namespace);
    await execute('ip', ['netns', 'add', namespace.name]);
    return namespace;
  }

  /** Starts a command in here. Its process is the command's own, so that it can be sent signals. */
  start(command: string, args: readonly string[], options?: RunOptions): Running {
    const running = new Running('ip', ['netns', 'exec', this.name, command, ...args], options);
    this.#started.push(running);
    return running;
  }

  /** Runs a command in here to its end. */
  run(command: string, args: readonly string[], options?: RunOptions): Promise<Ended> {
    return this.start(command, args, options).ended;
  }

  /** `npm start -- ARGS` in here. */
  startTundra(...args: string[]): Running {
    return this.start(process.execPath, ['--import=tsx', 'tools/main.ts', ...args]);
  }

  /** `npm start -- ARGS` in here, once the host is up. */
  async startHost(...args: string[]): Promise<Running> {
    const host = this.startTundra(...args);
    await host.says(/Ctrl-C ends it/);
    return host;
  }

  /** Starts one of children/clients.ts in here. */
  startClient(name: string): Running {
    return this.start(process.execPath, ['--import=tsx', 'test/tun/children/clients.ts', name]);
  }

  /** What one of children/clients.ts saw. @throws Error with what it wrote, if it does not finish */
  async runClient(name: string): Promise<Record<string, unknown>> {
    const { code, stdout, stderr } = await this.startClient(name).ended;
    if (code !== 0) throw new Error(`'${name}' ended with ${code}: ${stderr}`);
    return JSON.parse(stdout.toString()) as Record<string, unknown>;
  }

  /** The names of the interfaces in here. */
  async interfaces(): Promise<string[]> {
    const { stdout } = await this.run('cat', ['/proc/net/dev']);
    const lines = stdout.toString().trim().split('\n').slice(2);
    return lines.map((line) => line.trim().split(':', 1)[0]!);
  }

  /** Ends what was started in here and still runs, and removes the namespace. */
  async remove(): Promise<void> {
    this.#kill();
    await Promise.allSettled(this.#started.map(({ ended }) => ended));
    await execute('ip', ['netns', 'delete', this.name]);
    present.delete(this);
  }

  /** The same where nothing can be waited for. */
  removeNow(): void {
    this.#kill();
    spawnSync('ip', ['netns', 'delete', this.name]);
  }

  #kill(): void {
    for (const { child } of this.#started) child.kill('SIGKILL'); // does nothing once it has been waited for
  }
}

/** Gives `use` a namespace that is removed afterwards, whatever happens. */
export async function inNamespace<T>(use: (namespace: Namespace) => Promise<T>): Promise<T> {
  const namespace = await Namespace.make();
  try {
    return await use(namespace);
  } finally {
    await namespace.remove();
  }
}

const present = new Set<Namespace>();
let willRemove = false;

/** Tests that run into a time limit, or are interrupted, do not get to remove what they made. */
function removeAtExit(): void {
  if (willRemove) return;
  willRemove = true;
  process.on('exit', () => {
    for (const namespace of present) namespace.removeNow();
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));
}

export interface Played {
  /** What the scenario printed, as an object. */
  readonly seen: Record<string, unknown>;
  readonly exitCode: number | null;
  /** `Date.now()` when the process was gone. */
  readonly exitedAt: number;
}

/** Plays one of children/scenarios.ts in a namespace of its own. @throws Error with what it wrote, if it does not finish */
export function play(scenario: string): Promise<Played> {
  return inNamespace(async (namespace) => {
    const args = ['--import=tsx', 'test/tun/children/scenarios.ts', scenario];
    const { code, at, stdout, stderr } = await namespace.run(process.execPath, args);
    if (stdout.length === 0) throw new Error(`'${scenario}' ended with ${code}: ${stderr}`);
    return { seen: JSON.parse(stdout.toString()) as Record<string, unknown>, exitCode: code, exitedAt: at };
  });
}
