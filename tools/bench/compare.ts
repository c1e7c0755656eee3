import type { Keys, Usage } from './kernel-peer.ts';
import { median } from './median.ts';
import type { BenchOptions } from './options.ts';
import { SideBySide, type Way } from './side-by-side.ts';

/** Several measurements on both sides, run by run in turn, so that a noisy minute harms all of them alike. */

/** What is measured: a mode of the kernel's client and its keys, and what it is called meanwhile. */
export interface Case {
  readonly what: string;
  readonly mode: string;
  readonly keys: Keys;
}

/** One run on either side. */
export interface Run<Figures> {
  readonly ours: Figures & Usage;
  readonly reference: Figures & Usage;
}

export interface Compared<Which, Figures> {
  readonly which: Which;
  readonly runs: readonly Run<Figures>[];
}

/** @param show a run's figure in a word, to say how it goes */
export async function compare<Which extends Case, Figures>(
  way: Way,
  cases: readonly Which[],
  { runs, seconds }: BenchOptions,
  show: (figures: Figures & Usage) => string,
): Promise<Compared<Which, Figures>[]> {
  if (cases.length === 0) return [];
  const compared = cases.map((which) => ({ which, runs: [] as Run<Figures>[] }));
  const sides = await SideBySide.start(way);
  try {
    for (let run = 0; run < (runs ?? defaultRuns); run++) {
      for (const { which, runs } of compared) {
        const keys = { ...which.keys, seconds: seconds ?? defaultSeconds };
        runs.push(await sides.once<Figures>(which.what, which.mode, keys, run, show));
      }
    }
  } finally {
    await sides.close();
  }
  return compared;
}

/** The medians of a figure, and how many times the reference's ours is. */
export interface Medians {
  readonly ours: number;
  readonly reference: number;
  readonly ratio: number;
}

export function mediansOf<Figures>(runs: readonly Run<Figures>[], pick: (run: Figures & Usage) => number): Medians {
  const ours = median(runs.map((run) => pick(run.ours)));
  const reference = median(runs.map((run) => pick(run.reference)));
  return { ours, reference, ratio: ours / reference };
}

/** CPUs that others used, in the worst of the runs. */
export const mostLoad = <Figures>(runs: readonly Run<Figures>[]): number =>
  Math.max(...runs.flatMap(({ ours, reference }) => [ours, reference].map((run) => run.othersCpu / run.seconds)));

const defaultRuns = 5;
const defaultSeconds = 2;
