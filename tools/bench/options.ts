import { parseArgs } from 'node:util';

/** What the user of a benchmark may choose. */
export interface BenchOptions {
  /** One JSON object per benchmark, with every run, in place of a table. */
  readonly isJson: boolean;
  /** Runs per figure; each benchmark has its own default. */
  readonly runs: number | null;
  /** Seconds that count per run. */
  readonly seconds: number | null;
  /** The MTUs wanted; all that there are when there is none. */
  readonly mtus: readonly number[];
  /** How many connections stay open. */
  readonly connections: number;
  /** Threads of our host, each with a queue of its interface. */
  readonly queues: number;
  /** A directory for the CPU profiles of our host. */
  readonly profile: string | null;
  /** Whether rows of that kind are wanted: they are when they are asked for, or nothing that excludes them is. */
  wants(kind: Kind): boolean;
}

export type Kind = (typeof kinds)[number][number];

/** Those of a line exclude each other. */
const kinds = [
  ['offload', 'no-offload'],
  ['ipv4', 'ipv6'],
  ['in', 'out'],
  ['tcp', 'udp'],
  ['same-cpu', 'different-cpus'],
] as const;

/** Lines for `--help`. */
export const optionsHelp = `options:
  --json              one JSON object per benchmark, with every run
  --runs N            runs per figure
  --seconds S         seconds that count per run
  --mtu N             tun: rows of this MTU only, repeatable
  --connections N     memory: how many stay open (10000)
  --queues N          connections: threads of our host, each with a queue of the interface (1)
  --profile DIRECTORY CPU profiles of our host, for tun, latency and connections
  and to choose rows: ${kinds
    .flat()
    .map((kind) => `--${kind}`)
    .join(' ')}
`;

/**
 * The command line: names of benchmarks, and options.
 * @throws TypeError an option that is none, or a value that cannot be
 */
export function parseOptions(args: readonly string[]): {
  readonly names: readonly string[];
  readonly options: BenchOptions;
  readonly wantsHelp: boolean;
} {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      json: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
      runs: { type: 'string' },
      seconds: { type: 'string' },
      mtu: { type: 'string', multiple: true },
      connections: { type: 'string' },
      queues: { type: 'string' },
      profile: { type: 'string' },
      ...Object.fromEntries(kinds.flat().map((kind) => [kind, { type: 'boolean' } as const])),
    },
  });
  const chosen: ReadonlySet<string> = new Set(Object.keys(values));
  return {
    names: positionals,
    wantsHelp: values.help === true,
    options: {
      isJson: values.json === true,
      runs: values.runs === undefined ? null : positive('runs', values.runs),
      seconds: values.seconds === undefined ? null : positive('seconds', values.seconds),
      mtus: (values.mtu ?? []).map((mtu) => positive('mtu', mtu)),
      connections: positive('connections', values.connections ?? '10000'),
      queues: positive('queues', values.queues ?? '1'),
      profile: values.profile ?? null,
      wants: (kind) =>
        chosen.has(kind) || !kinds.some((line) => includes(line, kind) && line.some((other) => chosen.has(other))),
    },
  };
}

const includes = (line: readonly Kind[], kind: Kind): boolean => line.includes(kind);

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new TypeError(`--${name} takes a number above 0, not '${text}'`);
  return value;
}
