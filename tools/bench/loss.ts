import { ms, pair, seconds } from '../../src/sim/index.ts';
import { TcpSettings } from '../../src/stack/index.ts';
import { serve } from './flow.ts';
import { median } from './median.ts';
import type { BenchOptions } from './options.ts';

/**
 * How much gets through when packets are lost. In virtual time: the figures are the same on every machine.
 *
 * The grid is that of smoltcp's simulation: 10 MiB over a round trip of 100 ms, each packet lost by itself either way with
 * the chance given; its figures are beside ours. With loss, ours are medians over seeds.
 *
 * smoltcp's has no congestion control and never gives up. So the sender is given BBR, which takes no single loss for
 * congestion, and as many retries as there may be; CUBIC, the default, is shown beside it. The receiver asks for segments of
 * which a whole number fits its buffer (TCP_MAXSEG): silly window avoidance leaves a rest unused.
 */
export function benchLoss({ isJson }: BenchOptions): void {
  const grids = controls.map((control) => grid(control));
  if (isJson) return void process.stdout.write(`${JSON.stringify({ goodput: grids.flat() })}\n`);
  process.stdout.write(
    `  octets per second, the ratio to smoltcp's, !connections given up (RTT 100 ms, ${octets >> 20} MiB)\n`,
  );
  for (const cells of grids) show(cells);
}

function show(cells: readonly Cell[]): void {
  process.stdout.write(`  ${cells[0]!.control}\n`);
  process.stdout.write(`  ${'buffer'.padStart(7)}${losses.map((loss) => `${loss * 100} %`.padStart(16)).join('')}\n`);
  for (const buffer of buffers) {
    const row = cells.filter((cell) => cell.buffer === buffer);
    const texts = row.map(({ goodput, ratio, failed }) =>
      `${goodput} ${ratio.toFixed(2)}${failed > 0 ? ` !${failed}` : ''}`.padStart(16),
    );
    process.stdout.write(`  ${String(buffer).padStart(7)}${texts.join('')}\n`);
  }
}

interface Cell {
  readonly control: string;
  readonly buffer: number;
  readonly loss: number;
  /** Octets per second. */
  readonly goodput: number;
  readonly smoltcp: number;
  readonly ratio: number;
  readonly seeds: number;
  /** Connections that were given up on the way; what they have brought counts. */
  readonly failed: number;
}

function grid(control: string): Cell[] {
  return buffers.flatMap((buffer, row) =>
    losses.map((loss, column) => {
      const seeds = loss === 0 ? 1 : mostSeeds;
      const runs = Array.from({ length: seeds }, (_, seed) => transfer(control, buffer, loss, seed + 1));
      const goodput = Math.round(median(runs.map((run) => run.goodput)));
      const failed = runs.filter((run) => run.hasFailed).length;
      const reference = smoltcp[row]![column]!;
      return { control, buffer, loss, goodput, smoltcp: reference, ratio: goodput / reference, seeds, failed };
    }),
  );
}

/** Octets per second of one transfer, from the first SYN to the last octet. */
function transfer(
  control: string,
  buffer: number,
  loss: number,
  seed: number,
): { goodput: number; hasFailed: boolean } {
  const { network, client, server } = pair({ seed, link: { delay: ms(50), loss } });
  for (const { stack } of [client, server]) {
    stack.setSysctl('net.ipv4.tcp_congestion_control', control);
    for (const name of ['tcp_retries2', 'tcp_syn_retries', 'tcp_synack_retries'])
      stack.setSysctl(`net.ipv4.${name}`, 127);
  }
  const settings = new TcpSettings();
  settings.receiveBuffer = buffer;
  settings.maxSegment = segment;
  const flow = serve(network, client, server, settings).start(octets);
  network.runUntil(() => flow.received >= octets || flow.sender.state === 'CLOSED', seconds(1_000_000));
  return { goodput: flow.received / (network.now / seconds(1)), hasFailed: flow.received < octets };
}

const octets = 10 << 20;
const controls = ['bbr', 'cubic'] as const;
/** With 12 octets for timestamps: 3, 12 and 24 times 1365 octets of text fit the three buffers. */
const segment = 1365 + 12;
const buffers = [4096, 16_384, 32_768] as const;
const losses = [0, 0.001, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3] as const;
const mostSeeds = 5;
/** Octets per second, one row per buffer. */
const smoltcp: readonly (readonly number[])[] = [
  [35_062, 33_860, 26_937, 21_887, 14_074, 7871, 1604, 402],
  [161_842, 159_311, 127_090, 104_233, 55_319, 27_269, 7655, 1277],
  [322_945, 314_780, 219_671, 166_588, 76_626, 37_775, 6079, 1156],
];
