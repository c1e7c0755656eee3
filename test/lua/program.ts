/** Runs a Lua program by itself, on a host in memory, 10.0.0.1. */
import { createSocketModule } from '../../src/api/index.ts';
import { LuaError, type LuaSettings, runLua } from '../../src/lua/index.ts';
import { Network, type NetworkSettings } from '../../src/sim/index.ts';

export interface Outcome {
  readonly code: number;
  readonly printed: string;
}

/** Strings of programs are octets: each is one character of `source` and of what is printed. */
export async function outcome(
  source: string,
  settings: Partial<LuaSettings> = {},
  ofNetwork: NetworkSettings = {},
): Promise<Outcome> {
  const network = new Network(ofNetwork);
  const host = network.host('alone');
  network.link(host, '10.0.0.1/24', network.host('nobody'), '10.0.0.2/24');
  const module = createSocketModule(host);
  let printed = '';
  const output = (octets: Uint8Array): void => {
    printed += Buffer.from(octets).toString('latin1');
  };
  const program = runLua(Buffer.from(source, 'latin1'), module, { name: 'program.lua', output, ...settings });
  return { code: await network.until(program), printed };
}

/** What it prints, by lines. */
export async function lines(source: string, settings: Partial<LuaSettings> = {}): Promise<string[]> {
  return (await outcome(source, settings)).printed.split('\n').slice(0, -1);
}

/** Why it fails. */
export async function failureOf(source: string, settings: Partial<LuaSettings> = {}): Promise<string> {
  try {
    await outcome(source, settings);
  } catch (error) {
    if (error instanceof LuaError) return error.message;
    throw error;
  }
  return 'it ended well';
}
