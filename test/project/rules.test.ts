/** The rules that keep the parts apart, tried on files that break them. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { checkSource, checkSources } from '../../tools/source-rules.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** A copy of the sources with some files replaced or added; it goes when the test ends. */
function copyWith(t: ExecutionContext, files: Readonly<Record<string, string>>): string {
  const copy = mkdtempSync(join(tmpdir(), 'tundra-rules-'));
  t.teardown(() => rmSync(copy, { recursive: true }));
  for (const name of ['src', 'tools', 'package.json']) cpSync(join(root, name), join(copy, name), { recursive: true });
  for (const name of ['base', 'core', 'api', 'node', 'build']) {
    cpSync(join(root, `tsconfig.${name}.json`), join(copy, `tsconfig.${name}.json`));
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(copy, name)), { recursive: true });
    writeFileSync(join(copy, name), text);
  }
  return copy;
}

function run(cwd: string, command: string, ...args: string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(join(root, 'node_modules/.bin', command), args, {
    cwd,
    encoding: 'utf8',
  });
  return { status, output: stdout + stderr };
}

const importRules = (cwd: string) => run(cwd, 'depcruise', '--config', 'tools/import-rules.cjs', 'src', 'tools');

test('the import rules pass for the sources as they are', (t) => {
  const { status, output } = importRules(root);

  t.is(status, 0, output);
});

const violations: readonly (readonly [rule: string, folder: string, text: string])[] = [
  ['tcp', 'src/stack/tcp', "export { writeHeader } from '../ip/output.ts';"],
  ['tcp', 'src/stack/tcp', "export type { Stack } from '../stack.ts';"],
  ['udp', 'src/stack/udp', "export { enter } from '../tcp/state.ts';"],
  ['ip', 'src/stack/ip', "export { RateLimit } from '../icmp/errors.ts';"],
  ['icmp', 'src/stack/icmp', "export { RouteTable } from '../ip/route.ts';"],
  ['wire', 'src/stack/wire', "export { RouteTable } from '../ip/route.ts';"],
  ['base', 'src/stack/base', "export { Datagram } from '../wire/datagram.ts';"],
  ['core', 'src/stack', "export { Network } from '../sim/network.ts';"],
  ['core', 'src/stack', "export { readFileSync } from 'node:fs';"],
  ['sim', 'src/sim', "export { enter } from '../stack/tcp/state.ts';"],
  ['tun', 'src/tun', "export { Stack } from '../stack/index.ts';"],
  ['api', 'src/api', "export { seqAdd } from '../stack/base/seq.ts';"],
  ['api', 'src/api', "export { openHost } from './node/index.ts';"],
  ['api-node', 'src/api/node', "export { TunDevice } from '../../tun/device.ts';"],
  ['nobody-imports-tools', 'src/api/node', "export { main } from '../../../tools/main.ts';"],
  ['no-cycles', 'src/sim', "import { worse } from './worse.ts';\nexport const bad = worse;"],
  ['nothing-unresolved', 'src/sim', "export { nothing } from './nowhere.ts';"],
];

test('each import rule catches the file that breaks it', (t) => {
  const files = violations.map(([rule, folder, text], index) => ({ rule, file: `${folder}/bad${index}.ts`, text }));
  const circle = files.find(({ rule }) => rule === 'no-cycles')!;
  const copy = copyWith(t, {
    ...Object.fromEntries(files.map(({ file, text }) => [file, `${text}\n`])),
    'src/sim/worse.ts': `import { bad } from './${circle.file.split('/').at(-1)}';\nexport const worse = bad;\n`,
  });
  const { status, output } = importRules(copy);

  t.not(status, 0);
  for (const { rule, file, text } of files) {
    t.regex(output, new RegExp(`error ${rule}: ${file.replaceAll('.', '\\.')} →`), `${text}\n${output}`);
  }
});

test('the compiler knows neither Node nor browser in the core, nor Node in the portable API', (t) => {
  const offences = [
    'setTimeout(() => {}, 1);',
    'console.log(1);',
    'process.exit();',
    'Buffer.from("");',
    'performance.now();',
    'document.title;',
    'import "node:fs";',
  ];
  const files = offences.flatMap((text, index) =>
    ['src/stack/tcp', 'src/sim', 'src/api'].map(
      (folder) => [`${folder}/bad${index}.ts`, `${text}\nexport {};\n`] as const,
    ),
  );
  const { status, output } = run(
    copyWith(t, Object.fromEntries(files)),
    'tsc',
    '-b',
    'tsconfig.api.json',
    'tsconfig.core.json',
  );

  t.not(status, 0);
  for (const [file] of files.filter(([name]) => !name.startsWith('src/api'))) t.true(output.includes(file), file);
  const apiAlone = copyWith(t, Object.fromEntries(files.filter(([name]) => name.startsWith('src/api'))));
  const api = run(apiAlone, 'tsc', '-b', 'tsconfig.api.json');
  for (const [file] of files.filter(([name]) => name.startsWith('src/api'))) t.true(api.output.includes(file), file);
});

test('the source rules pass for the sources as they are', (t) => {
  t.deepEqual(checkSources(root), []);
});

test('each source rule catches the line that breaks it, and no comment', (t) => {
  const file = 'src/stack/tcp/bad.ts';
  const bad = [
    'const x = Date.now();',
    'const x = Math.random();',
    'async function f() {}',
    'if (tcb.snd.una < seg.ack) return;',
    'if (a <= tcb.rcv.nxt) return;',
    "tcb.state = 'CLOSED';",
    'console.log(1);',
  ];
  for (const line of bad) t.is(checkSource(file, `\n${line}\n`).length, 1, line);
  t.regex(checkSource(file, '\nconst x = Date.now();\n')[0]!, /^src\/stack\/tcp\/bad\.ts:2: /);
  const good = [
    '// Date.now()',
    '/* Math.random() */',
    "if (tcb.state === 'CLOSED') return;",
    'if (seqLt(snd.una, seg.ack)) return;',
  ];
  for (const line of good) t.deepEqual(checkSource(file, line), [], line);
});
