/** The thread of writer.ts: writes what is put in, and sleeps when nothing has come for a while. */
import { workerData } from 'node:worker_threads';
import { loadLibc } from './libc.ts';
import { partsOf, slots, type WriterPlan, words } from './writer.ts';

/** Looks before it sleeps, some tens of microseconds: to be woken takes as long, and more of who wakes it. */
const mostLooks = 2000;

const plan = workerData as WriterPlan;
const { words: control, lengths, packets } = partsOf(plan);
const libc = await loadLibc();
Atomics.store(control, words.isUp, 1);

/** The count of packets put in, once it is another than `written`; null: there will be none. */
function nextPut(written: number): number | null {
  for (let looks = 0; ; looks++) {
    const put = Atomics.load(control, words.put);
    if (put !== written) return put;
    if (looks < mostLooks) continue;
    Atomics.store(control, words.isAsleep, 1); // what comes after this wakes; what came before is seen now
    const mayStop = Atomics.load(control, words.mustStop) === 1;
    if (Atomics.load(control, words.put) === written) {
      if (mayStop) return null;
      Atomics.wait(control, words.isAsleep, 1);
    }
    Atomics.store(control, words.isAsleep, 0);
    looks = 0;
  }
}

for (let written = 0, put = nextPut(0); put !== null; put = nextPut(written)) {
  while (written !== put) {
    const index = written & (slots - 1);
    if (libc.write(plan.fd, packets[index]!, lengths[index]!) < 0) Atomics.add(control, words.errors, 1);
    written = (written + 1) | 0;
    Atomics.store(control, words.written, written);
  }
  Atomics.notify(control, words.written);
}
