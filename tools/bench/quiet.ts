import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Machines are shared: waits until others leave it alone, a few seconds at most. How much they have used during a run stands
 * beside its figure.
 */
export async function untilQuiet(): Promise<void> {
  for (const end = performance.now() + mostWaitMs; performance.now() < end; ) {
    const [busy, at] = [busySeconds(), performance.now()];
    await sleep(lookMs);
    if ((busySeconds() - busy) / ((performance.now() - at) / 1000) <= quietCpus) return;
  }
}

/** CPU seconds that everybody has used since the machine came up, and those that a hypervisor took (proc_stat(5)). */
function busySeconds(): number {
  const [, user = 0, nice = 0, system = 0, , , interrupts = 0, soft = 0, stolen = 0] = readFileSync(
    '/proc/stat',
    'utf8',
  )
    .split('\n', 1)[0]!
    .split(/\s+/)
    .map(Number);
  return (user + nice + system + interrupts + soft + stolen) / ticksPerSecond;
}

const mostWaitMs = 5000;
const lookMs = 250;
/** CPUs. */
const quietCpus = 0.25;
/** USER_HZ, which is 100 wherever Node runs. */
const ticksPerSecond = 100;
