/** The library as its users get it: built, packed, installed, and tried with the README's example. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));
const readme = readFileSync(join(root, 'README.md'), 'utf8');

test('the packed library works in an empty project: the ten lines of the README run, and their types hold', async (t) => {
  const project = mkdtempSync(join(tmpdir(), 'tundra-package-'));
  t.teardown(() => rmSync(project, { recursive: true }));
  const example = /<!-- the packaging test.*-->\n```js\n([\s\S]*?)```/.exec(readme)![1]!;
  const promise = /It prints `(.*?)`/.exec(readme)![1]!;
  const { stdout: packed } = await run('npm', ['pack', '--silent', '--pack-destination', project], { cwd: root });
  const archive = join(project, packed.trim().split('\n').at(-1)!);
  writeFileSync(join(project, 'package.json'), '{ "type": "module", "private": true }');
  await run('npm', ['install', '--silent', '--no-audit', '--no-fund', '--omit=optional', archive], { cwd: project });

  writeFileSync(join(project, 'example.js'), example);
  const { stdout } = await run(process.execPath, ['example.js'], { cwd: project });
  t.is(stdout.trim(), promise);

  const compilerOptions = {
    noEmit: true,
    strict: true,
    target: 'es2023',
    module: 'nodenext',
    lib: ['ES2023'],
    types: [],
  };
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['types.ts'] }));
  writeFileSync(join(project, 'types.ts'), typedUse);
  await run(join(root, 'node_modules/.bin/tsc'), [], { cwd: project }).catch(({ stdout: errors }) => t.fail(errors));

  const names = `import * as node from 'tundra/node'; import * as stack from 'tundra/stack';
    console.log(typeof node.openHost, typeof node.toDuplex, typeof node.adoptTun, typeof stack.Stack);`;
  writeFileSync(join(project, 'names.js'), names);
  const { stdout: found } = await run(process.execPath, ['names.js'], { cwd: project });
  t.is(found.trim(), 'function function function function');

  const { stdout: help } = await run('npx', ['--no-install', 'tundra', '--help'], { cwd: project });
  t.regex(help, /^usage:/);
});

test('the example has ten lines, and the README begins with the two commands', (t) => {
  const example = /<!-- the packaging test.*-->\n```js\n([\s\S]*?)```/.exec(readme)![1]!;
  const commands = [...readme.matchAll(/^ {4}(npm .*?)(?: {2,}#.*)?$/gm)].map(([, command]) => command);

  t.true(
    example
      .trim()
      .split('\n')
      .filter((line) => line !== '').length <= 11,
  );
  t.deepEqual(commands.slice(0, 2), ['npm ci && npm start', 'npm ci && npm test']);
});

/** Checking the error tells the compiler that there is a value; no Node types are needed for the portable parts. */
const typedUse = `
import { createSocketModule, type Socket } from 'tundra';
import { pair } from 'tundra/sim';
import { type Observer, Stack } from 'tundra/stack';

const [sock, error] = createSocketModule(pair().client).tcp();
if (error === null) {
  const same: Socket = sock;
  const [data, readError]: readonly [Uint8Array, string | null] = await same.read(1);
  data.length;
  readError?.length;
}
// @ts-expect-error it may be null
sock.close();
const observer: Observer = { drop: (reason) => reason === 'bad TCP checksum' };
export const stack = (observer: Observer): Stack => new Stack({ uint32: () => 4 }, {}, observer);
export { observer };
`;
