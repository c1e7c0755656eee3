/** Network namespaces for tests with the kernel as the peer: made, used and removed without the machine's own network noticing. */
import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
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

export interface Played {
  /** What the scenario printed, as an object. */
  readonly seen: Record<string, unknown>;
  readonly exitCode: number | null;
  /** `Date.now()` when the process was gone. */
  readonly exitedAt: number;
}

/** Plays one of children/scenarios.ts in a namespace of its own. @throws Error with what it wrote, if it does not finish */
export async function play(scenario: string): Promise<Played> {
  const namespace = `tundra-${process.pid}-${++made}`;
  await run('ip', ['netns', 'add', namespace]);
  try {
    const script = fileURLToPath(new URL('./children/scenarios.ts', import.meta.url));
    const args = ['netns', 'exec', namespace, process.execPath, '--import=tsx', script, scenario];
    const child = spawn('ip', args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: 20_000, killSignal: 'SIGKILL' });
    const exited = once(child, 'exit').then(([code]) => ({ code: code as number | null, at: Date.now() }));
    const [output, complaints, { code, at }] = await Promise.all([text(child.stdout), text(child.stderr), exited]);
    if (output === '') throw new Error(`'${scenario}' ended with ${code}: ${complaints}`);
    return { seen: JSON.parse(output) as Record<string, unknown>, exitCode: code, exitedAt: at };
  } finally {
    await run('ip', ['netns', 'delete', namespace]);
  }
}
