import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import {
  type Family,
  OurTarget,
  type Outcome,
  parseScript,
  playScript,
  type Script,
  ScriptError,
  type Target,
  type TargetName,
} from '../../src/script/index.ts';
import { openKernel } from '../script/kernel.ts';
import { type HostCommandOptions, sysctlOf, UsageError } from './options.ts';

/** `script FILE...`: plays packet scripts against our stack in virtual time, or against the kernel in real time. */

export const scriptOptions = {
  against: {
    parameter: 'WHOM',
    help: "'stack', in virtual time, or 'kernel', through a TUN in a network namespace and in real time (stack)",
    config: { type: 'string' },
  },
  family: {
    parameter: 'N',
    help: 'play over IPv4 or IPv6, 4 or 6 (what the script is for)',
    config: { type: 'string' },
  },
  tolerance: { parameter: 'MS', help: 'how early or late things may happen (20)', config: { type: 'string' } },
  jobs: { parameter: 'N', help: 'scripts played at once against the kernel (16)', config: { type: 'string' } },
  retries: {
    parameter: 'N',
    help: 'how often one that fails is played again against the kernel, with less going on besides, up to 4 (2)',
    config: { type: 'string' },
  },
  verbose: { parameter: '', help: 'print every event as it happens', config: { type: 'boolean', short: 'v' } },
} as const;

interface Settings {
  readonly against: TargetName;
  readonly families: readonly Family[] | null;
  /** Microseconds. */
  readonly tolerance: number | null;
  readonly jobs: number;
  readonly retries: number;
  readonly verbose: boolean;
  readonly json: boolean;
}

/** One script over one family. */
interface Play {
  readonly script: Script;
  readonly family: Family;
}

/** Exit code 0 when all went as the scripts say, 1 when any did not, 2 when one cannot be read. */
export async function runScripts(files: readonly string[], options: HostCommandOptions): Promise<number> {
  const settings = settingsOf(options);
  if (files.length === 0) throw new UsageError('script needs the names of files');
  const sysctls = (options.sysctl ?? []).map(sysctlOf);
  const plays: Play[] = [];
  try {
    for (const file of files) {
      const script = withSysctls(parseScript(file, readFileSync(file, 'utf8')), sysctls);
      const families = settings.families ?? script.headers.families;
      for (const family of families) plays.push({ script, family });
    }
  } catch (error) {
    if (!(error instanceof ScriptError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 2;
  }
  const { UV_THREADPOOL_SIZE } = process.env;
  if (settings.against === 'kernel' && UV_THREADPOOL_SIZE === undefined) return withThreads();
  if (settings.against === 'kernel') becomeImportant();
  return (await playAll(plays, settings)) ? 0 : 1;
}

/** The command line has the last word, also against the kernel. */
const withSysctls = (script: Script, sysctls: Script['headers']['sysctls']): Script => ({
  ...script,
  headers: { ...script.headers, sysctls: [...script.headers.sysctls, ...sysctls] },
});

/** Times are compared with a script's: little is to be done, but at once. */
function becomeImportant(): void {
  try {
    setPriority(-15);
  } catch {
    // Without the privilege there will be none to make namespaces either, and that is told.
  }
}

/** Calls that wait take a thread each, and how many there are is decided before the program starts: starts it again. */
function withThreads(): Promise<number> {
  const env = { ...process.env, UV_THREADPOOL_SIZE: '256' };
  const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], { env, stdio: 'inherit' });
  process.once('SIGTERM', () => child.kill());
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

function settingsOf(options: HostCommandOptions): Settings {
  const { against = 'stack', family, tolerance, jobs = '16', retries = '2' } = options;
  if (against !== 'stack' && against !== 'kernel')
    throw new UsageError(`--against is stack or kernel, not '${against}'`);
  if (family !== undefined && family !== '4' && family !== '6')
    throw new UsageError(`--family is 4 or 6, not '${family}'`);
  if (tolerance !== undefined && !(Number(tolerance) > 0))
    throw new UsageError(`--tolerance is milliseconds, not '${tolerance}'`);
  if (!/^[0-4]$/.test(retries)) throw new UsageError(`--retries is a number up to 4, not '${retries}'`);
  if (!/^[1-9]\d*$/.test(jobs)) throw new UsageError(`--jobs is a whole number, not '${jobs}'`);
  return {
    against,
    families: family === undefined ? null : [family === '4' ? 4 : 6],
    tolerance: tolerance === undefined ? null : Number(tolerance) * 1000,
    jobs: Number(jobs),
    retries: Number(retries),
    verbose: options.verbose ?? false,
    json: options.json ?? false,
  };
}

/**
 * Plays all of them. The kernel's time is also that of whatever else the machine does, so what failed is played again when
 * there is less going on, first by twos, then alone: what fails then is wrong.
 */
async function playAll(plays: readonly Play[], settings: Settings): Promise<boolean> {
  if (settings.against === 'stack' || settings.verbose) return (await playRound(plays, 1, settings, true)).length === 0;
  let left = plays;
  for (const [round, workers] of [settings.jobs, ...[2, 1, 1, 1].slice(0, settings.retries)].entries()) {
    left = await playRound(left, Math.min(workers, settings.jobs), settings, round === settings.retries);
  }
  return left.length === 0;
}

/** Plays these, so many at a time. Reports how they went, but failures only in the last round. Returns those that failed. */
async function playRound(
  plays: readonly Play[],
  workers: number,
  settings: Settings,
  isLast: boolean,
): Promise<Play[]> {
  const failed: Play[] = [];
  const waiting = plays.values();
  const worker = async (): Promise<void> => {
    for (const play of waiting) {
      const result = await playOne(play, settings);
      if (!result.outcome.ok) failed.push(play);
      if (result.outcome.ok || isLast) report(play, result, settings);
    }
  };
  await Promise.all(Array.from({ length: workers }, worker));
  await Promise.all(closing.splice(0));
  return failed;
}

/** Targets that are being given back, which nobody has to wait for before playing on. */
const closing: Promise<void>[] = [];

interface Result {
  readonly outcome: Outcome;
  readonly skipped: string | null;
  readonly tookMs: number;
}

async function playOne({ script, family }: Play, settings: Settings): Promise<Result> {
  const { only } = script.headers;
  if (only !== null && only.target !== settings.against)
    return { outcome: { ok: true }, skipped: only.reason, tookMs: 0 };
  const start = performance.now();
  const log = settings.verbose ? (line: string) => process.stdout.write(`${line}\n`) : undefined;
  let target: Target | null = null;
  let outcome: Outcome;
  try {
    target = settings.against === 'kernel' ? await openKernel(script.headers) : new OurTarget(script.headers);
    outcome = await playScript(script, target, {
      family,
      ...(settings.tolerance === null ? {} : { tolerance: settings.tolerance }),
      ...(log === undefined ? {} : { log }),
    });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    outcome = { ok: false, line: 1, message: error.message, isTimeOnly: false };
  } finally {
    if (target !== null) closing.push(target.close());
  }
  return { outcome, skipped: null, tookMs: performance.now() - start };
}

function report({ script, family }: Play, { outcome, skipped, tookMs }: Result, { against, json }: Settings): void {
  const { file } = script;
  const ms = Math.round(tookMs * 10) / 10;
  if (json) {
    const how = outcome.ok ? { ok: true } : { ok: false, line: outcome.line, message: outcome.message };
    process.stdout.write(
      `${JSON.stringify({ file, family, against, ms, ...how, ...(skipped === null ? {} : { skipped }) })}\n`,
    );
  } else if (skipped !== null) process.stdout.write(`skipped ${file} (not for the ${against}: ${skipped})\n`);
  else if (outcome.ok) process.stdout.write(`ok ${file} (ipv${family}, ${against}, ${ms} ms)\n`);
  else process.stdout.write(`not ok ${file}:${outcome.line}: ${outcome.message} (ipv${family}, ${against})\n`);
}
