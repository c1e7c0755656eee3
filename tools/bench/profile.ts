import { type HeapProfiler, type Profiler, Session } from 'node:inspector/promises';

/** Where time and garbage of a run come from, by source file and by whose part of the work it was (core-transfer.ts). */

export type ByFile = readonly { readonly file: string; readonly out: number; readonly in: number }[];

/** Nanoseconds by file. A profile takes samples, a thousand or so per file that matters. */
export async function timeByFile(run: () => void): Promise<ByFile> {
  const profile = await inspected(async (session) => {
    await session.post('Profiler.enable');
    await session.post('Profiler.setSamplingInterval', { interval: 200 });
    await session.post('Profiler.start');
    run();
    return (await session.post('Profiler.stop')).profile;
  });
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const parents = new Map<number, number>();
  for (const { id, children = [] } of profile.nodes) for (const child of children) parents.set(child, id);
  const sums = new Sums();
  const { samples = [], timeDeltas = [] } = profile;
  for (const [index, id] of samples.entries()) {
    const node = nodes.get(id)!;
    sums.add(fileOf(node.callFrame), sideOf(node, nodes, parents), (timeDeltas[index] ?? 0) * 1000);
  }
  return sums.rows();
}

/** Octets allocated by file, collected already or not. A sample is taken about every 512 octets. */
export async function garbageByFile(run: () => void): Promise<ByFile> {
  const profile = await inspected(async (session) => {
    await session.post('HeapProfiler.startSampling', {
      samplingInterval: 512,
      includeObjectsCollectedByMajorGC: true,
      includeObjectsCollectedByMinorGC: true,
    });
    run();
    return (await session.post('HeapProfiler.stopSampling')).profile;
  });
  const sums = new Sums();
  const visit = (node: HeapProfiler.SamplingHeapProfileNode, side: Side): void => {
    const here = sideNamed(node.callFrame.functionName) ?? side;
    sums.add(fileOf(node.callFrame), here, node.selfSize);
    for (const child of node.children) visit(child, here);
  };
  visit(profile.head, null);
  return sums.rows();
}

async function inspected<T>(use: (session: Session) => Promise<T>): Promise<T> {
  const session = new Session();
  session.connect();
  try {
    return await use(session);
  } finally {
    session.disconnect();
  }
}

/** Null: the loop that measures. */
type Side = 'out' | 'in' | null;

function sideNamed(functionName: string): Side {
  if (functionName === 'benchOut' || functionName === 'benchAcknowledged') return 'out';
  return functionName === 'benchIn' ? 'in' : null;
}

function sideOf(
  node: Profiler.ProfileNode,
  nodes: ReadonlyMap<number, Profiler.ProfileNode>,
  parents: ReadonlyMap<number, number>,
): Side {
  for (let at: Profiler.ProfileNode | undefined = node; at !== undefined; at = nodes.get(parents.get(at.id) ?? -1)) {
    const side = sideNamed(at.callFrame.functionName);
    if (side !== null) return side;
  }
  return null;
}

/** A file of the project as it is called there; what the engine does by itself in parentheses. */
function fileOf({ url, functionName }: { readonly url: string; readonly functionName: string }): string {
  const found = /(?:src|tools)\/.*$/.exec(url);
  if (found !== null) return found[0];
  return url === '' ? (/^\(.*\)$/.test(functionName) ? functionName : '(built in)') : url;
}

class Sums {
  readonly #files = new Map<string, { out: number; in: number }>();

  add(file: string, side: Side, amount: number): void {
    if (side === null || amount === 0) return;
    let sums = this.#files.get(file);
    if (sums === undefined) {
      sums = { out: 0, in: 0 };
      this.#files.set(file, sums);
    }
    sums[side] += amount;
  }

  rows(): ByFile {
    return Array.from(this.#files, ([file, sums]) => ({ file, ...sums }));
  }
}
