/** Writes docs/options.md from the tables of src/api/options: `node --import=tsx tools/options-page.ts`. A test fails when it is stale. */
import { writeFileSync } from 'node:fs';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { levels } from '../src/api/options/index.ts';

/** The page as it has to be. */
export function optionsPage(): string {
  const lines = [
    '# Options of sockets',
    '',
    'Set with `sock.setoption(level, optname, value)`, asked for with `sock.getoption(level, optname)`. Names, numbers and errors are',
    "Linux's. Flags may be set with booleans or numbers and are told as booleans; what is only told cannot be set. This page is",
    'written by `tools/options-page.ts`.',
  ];
  for (const [name, number, options] of levels) {
    lines.push('', `## ${name} (${number})`, '', '| name | number | value | meaning |', '|---|---|---|---|');
    for (const [option, optname, , type, meaning] of options)
      lines.push(`| \`${option}\` | ${optname} | ${type} | ${meaning} |`);
  }
  return `${lines.join('\n')}\n`;
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(new URL('../docs/options.md', import.meta.url), optionsPage());
}
