import { Worker } from 'node:worker_threads';

/**
 * Starts a thread that runs a file of the project.
 * @param file without its extension, relative to `from`, the URL of the module that asks: from sources it is one of TypeScript,
 *   which the thread has to learn first
 */
export function startThread(file: string, from: string, workerData: unknown): Worker {
  if (!from.endsWith('.ts')) return new Worker(new URL(`${file}.js`, from), { workerData });
  const source = JSON.stringify(new URL(`${file}.ts`, from).href);
  const code = `import('tsx/esm/api').then(({ register }) => { register(); return import(${source}); })`;
  return new Worker(code, { eval: true, workerData });
}
