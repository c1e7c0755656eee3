import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { SocketModule } from '../../src/api/index.ts';
import { createSocketModule } from '../../src/api/index.ts';
import { LuaError, type LuaSettings, runLua } from '../../src/lua/index.ts';
import { ms, Network } from '../../src/sim/index.ts';
import { seconds } from '../../src/stack/index.ts';
import {
  execute,
  executeAtOnce,
  popen,
  popenAtOnce,
  realFiles,
  standardInput,
  standardInputAtOnce,
} from './lua-world.ts';
import { openPlannedHost } from './on-tun.ts';
import { type HostCommandOptions, planOf, UsageError } from './options.ts';

/** `npm start -- lua FILE`: a Lua program with the documented module as its global `socket`. */

interface LuaOptions extends HostCommandOptions {
  readonly with?: string;
  readonly loss?: string;
  readonly delay?: string;
}

/** Exit code 1 when a program fails, as lua(1). */
export async function runLuaCommand(parameters: readonly string[], options: LuaOptions): Promise<number> {
  const [file, ...args] = parameters;
  if (file === undefined) throw new UsageError("'lua' takes a file");
  if (options.memory === true) return inMemory(file, args, options);
  if (options.with !== undefined) throw new UsageError('--with is for programs in memory: add --memory');
  const host = await openPlannedHost(planOf(options));
  const stop = () => void host.close(200).then(() => process.exit(130));
  process.once('SIGINT', stop).once('SIGTERM', stop);
  const { input, close } = standardInput();
  try {
    return await run(file, host.socket, args, { input, execute, popen });
  } finally {
    close();
    await host.close();
  }
}

/** Two hosts and a link between them, in virtual time; what waits there takes no time here. */
async function inMemory(file: string, args: readonly string[], options: LuaOptions): Promise<number> {
  const network = new Network({ seed: Number(options.seed ?? 1) });
  const [here, there] = [network.host('here'), network.host('there')];
  const [loss, delay] = [Number(options.loss ?? 0), Number(options.delay ?? 10)];
  if (!(loss >= 0 && loss < 1)) throw new UsageError(`--loss is from 0 to 1, not '${options.loss}'`);
  if (!(delay >= 0)) throw new UsageError(`--delay is milliseconds, not '${options.delay}'`);
  network.link(here, ['10.0.0.1/24', 'fd00::1/64'], there, ['10.0.0.2/24', 'fd00::2/64'], { loss, delay: ms(delay) });
  const hosts = { here: '10.0.0.1', there: '10.0.0.2' };
  const programs = [run(file, createSocketModule(here, { hosts, raw: true }), args, inVirtualTime)];
  if (options.with !== undefined) {
    programs.push(run(options.with, createSocketModule(there, { hosts, raw: true }), [], inVirtualTime));
  }
  const code = await network.until(programs[0]!);
  // A server that waits for ever ends with the first program; one that has something left to say may say it.
  const others = programs.slice(1).map((program) => network.until(program, seconds(60)).catch(ended));
  return Math.max(code, ...(await Promise.all(others)));
}

/** Virtual time is over while a program still waits: that is no failure of it. */
function ended(error: unknown): number {
  if (error instanceof Error && error.message.startsWith('virtual time ran out')) return 0;
  throw error;
}

type World = Required<Pick<LuaSettings, 'input' | 'execute' | 'popen'>>;

const inVirtualTime: World = { input: standardInputAtOnce, execute: executeAtOnce, popen: popenAtOnce };

async function run(file: string, socket: SocketModule, args: readonly string[], world: World): Promise<number> {
  try {
    const output = (octets: Uint8Array) => void process.stdout.write(octets);
    const error = (octets: Uint8Array) => void process.stderr.write(octets);
    const settings = { name: basename(file), args, output, error, files: realFiles, ...world };
    return await runLua(readFileSync(file), socket, settings);
  } catch (error) {
    if (!(error instanceof LuaError)) throw error;
    process.stderr.write(`lua: ${error.message}\n`);
    return 1;
  }
}
