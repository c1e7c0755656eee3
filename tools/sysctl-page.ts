/** Writes docs/sysctls.md from the table of src/stack: `node --import=tsx tools/sysctl-page.ts`. A test fails when it is stale. */
import { writeFileSync } from 'node:fs';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { SeededRandom, Stack, sysctls } from '../src/stack/index.ts';

/** The page as it has to be. */
export function sysctlPage(): string {
  const { options } = new Stack(new SeededRandom(1));
  const rows = [...sysctls]
    .sort((a, b) => a.name.localeCompare(b.name))
    .map(({ name, type, meaning, rfc, get }) => `| \`${name}\` | ${type} | ${get(options)} | ${meaning} | ${rfc} |`);
  return [
    '# Options of a host, by the names that Linux gives them',
    '',
    'Read with `stack.sysctl(name)`, set with `stack.setSysctl(name, value)`, with `--sysctl name=value` on the command line,',
    'and in the header of a [script](scripts.md). What is set holds from then on; connections that there are keep what they',
    'have agreed upon. IPv6 takes those of `net.ipv4.tcp_*` too, as on Linux. This page is written by `tools/sysctl-page.ts`.',
    '',
    '| name | type | default | meaning | RFC |',
    '|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(new URL('../docs/sysctls.md', import.meta.url), sysctlPage());
}
