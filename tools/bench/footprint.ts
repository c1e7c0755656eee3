/** What this process occupies, for processes started with --expose-gc. */
export interface Footprint {
  /** Octets that the kernel has given it; V8 keeps some of what it has freed. */
  readonly resident: number;
  /** Octets of objects, and of the buffers that belong to them. */
  readonly used: number;
}

/** After everything that nobody refers to has been given up. */
export function footprint(): Footprint {
  if (globalThis.gc === undefined) throw new Error('this process has to be started with --expose-gc');
  globalThis.gc();
  globalThis.gc(); // what finalizers have let go of
  const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
  return { resident: rss, used: heapUsed + arrayBuffers };
}

/** How much each of `count` things has added. */
export const perEach = (before: Footprint, after: Footprint, count: number): Footprint => ({
  resident: (after.resident - before.resident) / count,
  used: (after.used - before.used) / count,
});
