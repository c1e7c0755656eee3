import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { rfcMap } from './rfc-map.ts';
import { checkSources } from './source-rules.ts';

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
const isFresh = page === readFileSync(`${root}docs/rfc-map.md`, 'utf8');
const left = unproved.length === 0 ? '' : `: ${unproved.length} rows without a test`;
process.stdout.write(`note   docs/rfc-map.md${isFresh ? '' : ' is stale (tools/rfc-map.ts draws it)'}${left}\n`);
process.exitCode = failed ? 1 : 0;

function report(what: string, isFine: boolean): void {
  process.stdout.write(`${isFine ? 'ok    ' : 'FAILED'} ${what}\n`);
  if (!isFine) failed = true;
}
