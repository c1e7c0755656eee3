/**
 * Each call in each state on the kernel's own sockets, in real time: does the kernel that runs here answer what the tables
 * of Linux 6.18 say? Our sockets are asked the same by test/api/misuse/ours.test.ts.
 */
import test, { type ExecutionContext } from 'ava';
import { KernelWorlds } from '../api/misuse/kernel-sockets.ts';
import { answersIn, answersToCases, differing, linuxToCases, rows } from '../api/misuse/matrix.ts';
import { whyNoTun } from './namespace.ts';

const missing = whyNoTun();
if (missing !== undefined) console.warn(`THE KERNEL WAS NOT ASKED ABOUT ITS ERRORS: ${missing}`);

/** A test with a namespace of its own; where there can be none it says so and passes. */
function kernelTest(title: string, body: (t: ExecutionContext, worlds: KernelWorlds) => Promise<void>): void {
  test.serial(title, async (t) => {
    if (missing !== undefined) {
      t.log(`did not run: ${missing}`);
      return t.pass();
    }
    const worlds = await KernelWorlds.make();
    try {
      return await body(t, worlds);
    } finally {
      await worlds.close();
    }
  });
}

for (const row of rows) {
  kernelTest(`The kernel answers every call on a ${row.what} as the tables say`, async (t, worlds) => {
    const answers = await answersIn(row, () => worlds.enter());

    t.deepEqual(differing(answers, row.linux), []);
  });
}

kernelTest('The kernel refuses addresses and options as the lists say', async (t, worlds) => {
  const answers = await answersToCases(() => worlds.enter());

  t.deepEqual(differing(answers, linuxToCases), []);
});
