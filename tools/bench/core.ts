import { sumBytes } from '../../src/stack/index.ts';
import { packetBuffer } from '../../src/wasm/packet-memory.ts';
import { CoreTransfer, type Load } from './core-transfer.ts';
import { median } from './median.ts';
import type { BenchOptions } from './options.ts';
import { type ByFile, garbageByFile, timeByFile } from './profile.ts';
import { untilQuiet } from './quiet.ts';
import { figure, table } from './table.ts';

/**
 * What the core costs by itself: bulk text from one stack into another, with nothing but buffers between the two. Time and
 * garbage per data segment for the side that sends and the side that receives, each with its part of the acknowledgments
 * and of the users' calls, and a copy where a device would be; where they go, by file; and what checksum and copy cost alone.
 */
export async function benchCore(options: BenchOptions): Promise<void> {
  const rows: Row[] = [];
  for (const load of loads) {
    if (!options.wants(load.offload ? 'offload' : 'no-offload')) continue;
    rows.push(await measure(load, options.runs ?? defaultRuns));
  }
  await untilQuiet();
  const costs = octetCosts();
  if (options.isJson) return void process.stdout.write(`${JSON.stringify({ core: { rows, costs } })}\n`);
  process.stdout.write(table(head, rows.map(printed)));
  for (const { what, time, garbage } of rows) {
    process.stdout.write(`\n  ${what}: ns and octets of garbage per data segment, by file\n`);
    process.stdout.write(table(['file', 'ns out', 'ns in', 'octets out', 'octets in'], byFile(time, garbage)));
  }
  process.stdout.write('\n');
  process.stdout.write(
    table(['octets', 'checksum, vectors, ns', 'checksum, words, ns', 'copy, ns'], costs.map(printedCost)),
  );
}

interface Sides {
  readonly out: number;
  readonly in: number;
}

interface Row {
  readonly what: string;
  /** Nanoseconds per data segment on a wire, medians. */
  readonly ns: Sides;
  /** Octets of garbage per data segment, as sampled in one more run. */
  readonly octets: Sides;
  readonly acksPerSegment: number;
  readonly runs: readonly Sides[];
  readonly time: ByFile;
  readonly garbage: ByFile;
}

async function measure(load: Load, runs: number): Promise<Row> {
  const transfer = new CoreTransfer(load);
  transfer.run(); // the compiler has to warm up
  const measured: Sides[] = [];
  for (let run = 0; run < runs; run++) {
    await untilQuiet();
    const { segments, nsOut, nsIn } = transfer.run();
    measured.push({ out: nsOut / segments, in: nsIn / segments });
  }
  let sampled = 1;
  let acks = 0;
  const garbage = await garbageByFile(() => {
    const { segments, acknowledgments } = transfer.run();
    sampled = segments;
    acks = acknowledgments;
  });
  // The profiles slow the run down: only their shares are used, of the time that was measured without them.
  let profiled = 1;
  const time = await timeByFile(() => {
    profiled = transfer.run().segments;
  });
  return {
    what: load.what,
    ns: { out: median(measured.map((run) => run.out)), in: median(measured.map((run) => run.in)) },
    octets: { out: total(garbage, 'out') / sampled, in: total(garbage, 'in') / sampled },
    acksPerSegment: acks / sampled,
    runs: measured,
    time: perSegment(time, profiled),
    garbage: perSegment(garbage, sampled),
  };
}

const total = (files: ByFile, side: keyof Sides): number => files.reduce((sum, each) => sum + each[side], 0);

const perSegment = (files: ByFile, segments: number): ByFile =>
  files.map(({ file, out, in: inwards }) => ({ file, out: out / segments, in: inwards / segments }));

/** The files that matter, the costliest first. */
function byFile(time: ByFile, garbage: ByFile): string[][] {
  const octets = new Map(garbage.map((each) => [each.file, each]));
  const rows = time.map(({ file, out, in: inwards }) => {
    const wasted = octets.get(file);
    octets.delete(file);
    return { file, ns: [out, inwards], octets: [wasted?.out ?? 0, wasted?.in ?? 0] };
  });
  for (const { file, out, in: inwards } of octets.values()) rows.push({ file, ns: [0, 0], octets: [out, inwards] });
  const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);
  return rows
    .filter(({ ns, octets }) => sum(ns) >= leastNs || sum(octets) >= leastOctets)
    .sort((a, b) => sum(b.ns) - sum(a.ns))
    .map(({ file, ns, octets }) => [
      file,
      ...ns.map((value) => value.toFixed(0)),
      ...octets.map((value) => value.toFixed(1)),
    ]);
}
/** What is less per segment is left out of the table. */
const leastNs = 4;
const leastOctets = 0.5;

/** A checksum by vector instructions, one by 32-bit words, and a copy, of so many octets. */
interface Cost {
  readonly octets: number;
  readonly vectors: number;
  readonly words: number;
  readonly copy: number;
}

function octetCosts(): Cost[] {
  const fast = packetBuffer(0);
  const plain = new Uint8Array(65_536);
  const target = new Uint8Array(65_536);
  let sink = 0;
  const costs = [64, 536, 1460, 8948, 65_160].map((octets) => ({
    octets,
    vectors: nsOf(() => (sink ^= sumBytes(fast, 40, 40 + octets, 0)), octets),
    words: nsOf(() => (sink ^= sumBytes(plain, 40, 40 + octets, 0)), octets),
    copy: nsOf(() => target.set(plain.subarray(40, 40 + octets), 0), octets),
  }));
  if (sink < 0) throw new Error('impossible: sums are never negative');
  return costs;
}

/** Nanoseconds of one call: the median of a few rounds. */
function nsOf(action: () => void, octets: number): number {
  const calls = Math.ceil(5e7 / (octets + 500));
  const rounds: number[] = [];
  for (let round = 0; round < 6; round++) {
    const start = performance.now();
    for (let call = 0; call < calls; call++) action();
    rounds.push(((performance.now() - start) * 1e6) / calls);
  }
  return median(rounds.slice(1));
}

const head = ['one way', 'ns out', 'ns in', 'octets out', 'octets in', 'ACKs per segment'];

const printed = ({ what, ns, octets, acksPerSegment }: Row): string[] => [
  what,
  ...[ns.out, ns.in].map((value) => value.toFixed(0)),
  ...[octets.out, octets.in].map((value) => value.toFixed(1)),
  acksPerSegment.toFixed(3),
];

const printedCost = ({ octets, vectors, words, copy }: Cost): string[] => [
  String(octets),
  ...[vectors, words, copy].map(figure),
];

const loads: readonly Load[] = [
  { what: 'MTU 1500', mtu: 1500, offload: false, octets: 200_000_000 },
  { what: 'MTU 65535', mtu: 65_535, offload: false, octets: 2_000_000_000 },
  { what: 'MTU 1500, super-packets', mtu: 1500, offload: true, octets: 2_000_000_000 },
];
const defaultRuns = 5;
