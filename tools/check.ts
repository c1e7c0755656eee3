import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { rfcMap } from './rfc-map.ts';
import { checkSources } from './source-rules.ts';
import { checksumCode, checksumCodeFile } from './wasm.ts';

/** `npm run check`: everything that can be said about the sources without running them. */

const root = fileURLToPath(new URL('..', import.meta.url));

const steps: readonly (readonly [what: string, command: string, ...args: string[]])[] = [
  ['types, and what each part may see', 'tsc', '-b', 'tsconfig.build.json'],
  ['types of tests and examples', 'tsc', '-p', 'tsconfig.json'],
  ['lint and format', 'biome', 'check', '.'],
  ['import rules', 'depcruise', '--config', 'tools/import-rules.cjs', 'src', 'tools', 'test', 'examples'],
  ['dead code', 'knip'],
];

let failed = false;
for (const [what, command, ...args] of steps) {
  const { status } = spawnSync('npx', ['--no-install', command, ...args], { cwd: root, stdio: 'inherit' });
  report(what, status === 0);
}
const violations = checkSources(root);
for (const violation of violations) process.stdout.write(`${violation}\n`);
report('source rules', violations.length === 0);
const { page, unproved } = rfcMap(root);
for (const id of unproved)
  process.stdout.write(`${id} has neither a test whose title names it nor a reason to be left out\n`);
report('rows of the RFCs are proved', unproved.length === 0);
const isFresh = page === readFileSync(`${root}docs/rfc-map.md`, 'utf8');
report('docs/rfc-map.md is fresh (node --import=tsx tools/rfc-map.ts draws it)', isFresh);
const isTranslated = (await checksumCode()) === readFileSync(checksumCodeFile, 'utf8');
report('checksum.wat is translated (node --import=tsx tools/wasm.ts does it)', isTranslated);
process.exitCode = failed ? 1 : 0;

function report(what: string, isFine: boolean): void {
  process.stdout.write(`${isFine ? 'ok    ' : 'FAILED'} ${what}\n`);
  if (!isFine) failed = true;
}
