import type { Figures } from './blocking-calls.ts';
import { lineOf, makeNamespace, removeNamespaces, start, stop } from './namespaces.ts';
import type { BenchOptions } from './options.ts';
import { untilQuiet } from './quiet.ts';
import { figure, table } from './table.ts';

/**
 * What the blocking face costs, in memory and over a TUN: calls that need not wait, and how soon a thread goes on that has waited;
 * one after the other, and after pauses in which the host's thread has fallen asleep too.
 */
export async function benchBlocking({ isJson }: BenchOptions): Promise<void> {
  const rows = await rowsOf('memory', null);
  if (process.getuid?.() === 0) {
    const namespace = makeNamespace();
    rows.push(...(await rowsOf('tun', namespace)));
    removeNamespaces(namespace);
  } else process.stderr.write('  over a TUN: left out, it needs root\n');
  if (isJson) return void process.stdout.write(`${JSON.stringify({ blocking: rows })}\n`);
  process.stdout.write(table(head, rows.map(lineOfRow)));
}

interface Row extends Figures {
  readonly where: 'memory' | 'tun';
}

async function rowsOf(where: Row['where'], namespace: string | null): Promise<Row[]> {
  await untilQuiet();
  const child = start(namespace, process.execPath, ['--import=tsx', 'tools/bench/blocking-calls.ts', where]);
  const figures = JSON.parse(await lineOf(child)) as readonly Figures[];
  await stop(child);
  return figures.map((each) => ({ where, ...each }));
}

/** Microseconds. */
const head = ['where', 'open', 'what', 'p50', 'p99', 'rested p50', 'rested p99', 'limit'];

const lineOfRow = ({ where, sockets, what, busy, rested, limit }: Row): string[] => [
  ...[where, String(sockets), what],
  ...[busy.p50, busy.p99, rested.p50, rested.p99, limit].map(figure),
];
