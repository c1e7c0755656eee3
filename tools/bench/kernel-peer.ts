import { type ChildProcess, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { atExit, lineOf, start } from './namespaces.ts';

/** The C program of kernel/: what the kernel does, seen from its own sockets. */

/** What every measurement tells besides its figures. */
export interface Usage {
  readonly seconds: number;
  /** CPU seconds of the measuring process, of the processes on the other side, of everybody else. */
  readonly ownCpu: number;
  readonly peerCpu: number;
  readonly othersCpu: number;
}

export type Keys = Readonly<Record<string, string | number>>;

/** Runs a measurement in the namespace. @throws Error it failed; with what it said */
export async function measure<Figures>(namespace: string, mode: string, keys: Keys): Promise<Figures & Usage> {
  return JSON.parse(await lineOf(startKernelPeer(namespace, mode, keys))) as Figures & Usage;
}

/** Starts a server or a wire. Resolves when it is ready. */
export async function startService(
  namespace: string | null,
  mode: 'serve' | 'forward',
  keys: Keys,
): Promise<ChildProcess> {
  const child = startKernelPeer(namespace, mode, keys);
  await lineOf(child);
  return child;
}

export function startKernelPeer(namespace: string | null, mode: string, keys: Keys): ChildProcess {
  program ??= compile();
  return start(namespace, program, [mode, ...Object.entries(keys).map(([key, value]) => `${key}=${value}`)]);
}

/** @throws Error there is no compiler, or it complains */
function compile(): string {
  const directory = mkdtempSync(join(tmpdir(), 'tundra-bench-'));
  atExit(() => rmSync(directory, { recursive: true, force: true }));
  const sources = readdirSync(kernelDirectory).filter((name) => name.endsWith('.c'));
  const output = join(directory, 'kernel-peer');
  const args = ['-O2', '-Wall', '-pthread', '-o', output, ...sources];
  const { error, status, stderr } = spawnSync(compiler, args, { cwd: kernelDirectory, encoding: 'utf8' });
  if (error !== undefined) {
    throw new Error(
      `no C compiler '${compiler}': install one, with the C library's and Linux's headers (Debian: gcc libc6-dev)`,
    );
  }
  if (status !== 0) throw new Error(`the kernel's side does not compile:\n${stderr}`);
  return output;
}

let program: string | undefined;
const { CC: compiler = 'cc' } = process.env;
const kernelDirectory = fileURLToPath(new URL('kernel', import.meta.url));
