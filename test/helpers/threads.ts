import { startThread as start } from '../../src/threads/start.ts';

export { Flag } from '../../tools/bench/blocking-flag.ts';

/** A thread that runs a TypeScript file; it is ended when the test ends. `done` settles when the file has run to its end. */
export function startThread(file: URL, workerData: unknown): { readonly done: Promise<void>; end(): void } {
  const worker = start(file.href.replace(/\.ts$/, ''), import.meta.url, workerData);
  const done = new Promise<void>((resolve, reject) => {
    worker.once('error', reject);
    worker.once('exit', (exitCode) =>
      exitCode === 0 ? resolve() : reject(new Error(`the thread ended with ${exitCode}`)),
    );
  });
  done.catch(() => {}); // whoever waits for it is told
  return { done, end: () => void worker.terminate() };
}
