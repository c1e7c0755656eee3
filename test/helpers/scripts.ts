/** The packet scripts of test/scripts, and what docs/differences.md says of them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseScript, type Script, type TargetName } from '../../src/script/index.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** From the root of the project. */
export const scriptsFolder = 'test/scripts';

/** A script of the suite. */
export interface SuiteScript {
  /** Below test/scripts: close/time-wait.pkt. */
  readonly name: string;
  readonly script: Script;
}

/** All scripts, by name. @throws ScriptError one is none */
export function readSuite(): SuiteScript[] {
  const names = readdirSync(join(root, scriptsFolder), { recursive: true, encoding: 'utf8' });
  return names
    .filter((name) => name.endsWith('.pkt'))
    .sort()
    .map((name) => {
      const file = join(scriptsFolder, name);
      return { name, script: parseScript(file, readFileSync(join(root, file), 'utf8')) };
    });
}

/** Which scripts end differently, on which side, and why. */
export function readDifferences(): ReadonlyMap<string, { readonly differs: TargetName; readonly reason: string }> {
  return parseDifferences(readFileSync(join(root, 'docs/differences.md'), 'utf8'));
}

/** The rows of the table. @throws Error a row that is none */
export function parseDifferences(text: string): ReturnType<typeof readDifferences> {
  const rows = text
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .slice(2);
  return new Map(
    rows.map((row) => {
      const [, name = '', differs = '', reason = ''] = row.split('|').map((cell) => cell.trim());
      if (!name.endsWith('.pkt') || (differs !== 'stack' && differs !== 'kernel') || reason === '') {
        throw new Error(`docs/differences.md: not a script, a side and a reason: ${row}`);
      }
      return [name, { differs, reason }];
    }),
  );
}
