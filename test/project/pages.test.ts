import { readFileSync } from 'node:fs';
import test from 'ava';
import { optionsPage } from '../../tools/options-page.ts';
import { sysctlPage } from '../../tools/sysctl-page.ts';

test('docs/sysctls.md is what its table says (node --import=tsx tools/sysctl-page.ts writes it anew)', (t) => {
  t.is(readFileSync(new URL('../../docs/sysctls.md', import.meta.url), 'utf8'), sysctlPage());
});

test('docs/options.md is what its tables say (node --import=tsx tools/options-page.ts writes it anew)', (t) => {
  t.is(readFileSync(new URL('../../docs/options.md', import.meta.url), 'utf8'), optionsPage());
});
