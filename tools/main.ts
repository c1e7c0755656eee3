#!/usr/bin/env node
import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { runGet } from './commands/get.ts';
import { runHost } from './commands/host.ts';
import { runIperf3 } from './commands/iperf3.ts';
import { iperf3Options } from './commands/iperf3-options.ts';
import { luaOptions } from './commands/lua-options.ts';
import {
  commonOptions,
  type HostCommandOptions,
  hostOptions,
  type Option,
  pingOptions,
  tracerouteOptions,
  UsageError,
} from './commands/options.ts';
import { runPing } from './commands/ping.ts';
import { runScripts, scriptOptions } from './commands/script.ts';
import { runTraceroute } from './commands/traceroute.ts';

/** The command line of tundra: one table of commands, from which `--help` is printed. */

interface Command {
  readonly name: string;
  readonly parameters: string;
  readonly help: string;
  /** Besides those that all commands take. */
  readonly options: Readonly<Record<string, Option>>;
  /** The exit code when it cannot be carried out: the one that users of the program of that name know. */
  readonly failure: number;
  /** Resolves with the exit code. */
  run(parameters: readonly string[], options: HostCommandOptions): Promise<number>;
}

const commands: readonly Command[] = [
  {
    name: 'host',
    parameters: '',
    help: 'put a host on a TUN interface and serve echo, discard, daytime, chargen and HTTP; in memory where there is no TUN (the default command)',
    options: hostOptions,
    failure: 1,
    run: runHost,
  },
  {
    name: 'get',
    parameters: 'URL',
    help: 'fetch an http URL through a TUN interface and write the body to standard output',
    options: {},
    failure: 1,
    run: runGet,
  },
  {
    name: 'ping',
    parameters: 'ADDRESS',
    help: 'send echo requests through a TUN interface, as ping(8) does',
    options: pingOptions,
    failure: 2,
    run: runPing,
  },
  {
    name: 'traceroute',
    parameters: 'ADDRESS',
    help: 'find the routers on the way, as traceroute(8) does',
    options: tracerouteOptions,
    failure: 2,
    run: runTraceroute,
  },
  {
    name: 'iperf3',
    parameters: '-s | -c HOST',
    help: 'measure with iperf3 at the other end, as its server or its client',
    options: iperf3Options,
    failure: 1,
    run: runIperf3,
  },
  {
    name: 'lua',
    parameters: 'FILE [ARGUMENT]...',
    help: 'run a Lua program whose global `socket` is the documented module, on a TUN interface or in memory',
    options: luaOptions,
    failure: 1,
    run: runLuaLater,
  },
  {
    name: 'script',
    parameters: 'FILE...',
    help: 'play packet scripts against our stack, or against the kernel (docs/scripts.md)',
    options: scriptOptions,
    failure: 2,
    run: runScripts,
  },
];

/** The interpreter is loaded only when it is wanted: it is an optional dependency. */
async function runLuaLater(parameters: readonly string[], options: HostCommandOptions): Promise<number> {
  return (await import('./commands/lua.ts')).runLuaCommand(parameters, options);
}

function helpText(): string {
  const lines = ['usage: npm start -- [COMMAND] [OPTION]...', '', 'commands:'];
  for (const { name, parameters, help } of commands) lines.push(...entry(`${name} ${parameters}`.trim(), help));
  lines.push('', 'options:', ...optionLines(commonOptions));
  for (const { name, options } of commands) {
    if (Object.keys(options).length > 0) lines.push('', `options of ${name}:`, ...optionLines(options));
  }
  return `${lines.join('\n')}\n`;
}

function optionLines(options: Readonly<Record<string, Option>>): string[] {
  return Object.entries(options).flatMap(([name, { parameter, help, config }]) => {
    const short = config.short === undefined || name === 'help' ? '' : `-${config.short}, `;
    return entry(`${short}--${name} ${parameter}`.trim(), help);
  });
}

/** What stands in front of the help; the longest, `lua FILE [ARGUMENT]...`, and two spaces fit. */
const columnWidth = 24;

function entry(name: string, help: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of help.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > 88) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].map((text, index) => `  ${(index === 0 ? name : '').padEnd(columnWidth)}${text}`);
}

/** Runs a command line. Resolves with the exit code; what is wrong with it goes to standard error, in one line. */
export async function main(args: readonly string[]): Promise<number> {
  const isNamed = args[0] !== undefined && !args[0].startsWith('-');
  const name = isNamed ? args[0] : 'host';
  const command = commands.find((each) => each.name === name);
  try {
    if (command === undefined) throw new UsageError(`there is no command '${name}'`);
    const table: Readonly<Record<string, Option>> = { ...commonOptions, ...command.options };
    const config = Object.fromEntries(Object.entries(table).map(([option, { config }]) => [option, config]));
    const rest = isNamed ? args.slice(1) : args;
    const { values, positionals } = parseArgs({ args: [...rest], options: config, allowPositionals: true });
    const options = values as HostCommandOptions;
    if (options.help === true) {
      process.stdout.write(helpText());
      return 0;
    }
    return await command.run(positionals, options);
  } catch (error) {
    if (!isExpected(error)) throw error;
    const [message] = error.message.split('\n');
    const advice = error instanceof UsageError || error instanceof TypeError ? ' (--help tells more)' : '';
    process.stderr.write(`tundra: ${message}${advice}\n`);
    return command?.failure ?? 1;
  }
}

/** Wrong arguments, and a world that does not play along, are told in one line; everything else is a fault of ours. */
function isExpected(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  const code = (error as { code?: unknown }).code;
  return error instanceof UsageError || error.name === 'TunError' || typeof code === 'string';
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  // Whoever reads what we print may stop at any time (`| head`): that ends the printing, not the host.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
  process.exitCode = await main(process.argv.slice(2));
}
