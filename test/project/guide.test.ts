/** The examples of docs/guide.md: each is run behind the guide's beginning, and prints what the guide says. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import test from 'ava';

const root = new URL('../../', import.meta.url);
const guide = readFileSync(new URL('docs/guide.md', root), 'utf8');
const setup = /```ts setup\n([\s\S]*?)```/.exec(guide)![1]!;
const examples = [
  ...guide.matchAll(/^### (.*)\n(?:(?!^### )[\s\S])*?```ts\n([\s\S]*?)```\n\n```text\n([\s\S]*?)```/gm),
];

/** What a user's imports are in here. */
const sources: Readonly<Record<string, string>> = {
  tundra: 'src/api/index.ts',
  'tundra/sim': 'src/sim/index.ts',
  'tundra/blocking': 'src/blocking/index.ts',
  'tundra/lua': 'src/lua/index.ts',
};

const folder = mkdtempSync(join(tmpdir(), 'tundra-guide-'));
test.after.always(() => rmSync(folder, { recursive: true }));

/** A file whose default export runs the example and hands to `print` what it would have printed. */
function fileOf(code: string, index: number): string {
  const lines = `${setup}\n${code}`.split('\n');
  const isImport = (line: string): boolean => line.startsWith('import ');
  const imports = lines
    .filter(isImport)
    .map((line) =>
      line.replace(/from '(.*)'/, (_, name: string) => `from ${JSON.stringify(new URL(sources[name]!, root).href)}`),
    );
  const body = lines.filter((line) => !isImport(line)).join('\n');
  const file = join(folder, `example-${index}.mts`);
  const told = 'const console = { log: (...values: unknown[]) => print(values) };';
  const whole = `${imports.join('\n')}\nexport default async (print: (values: unknown[]) => void) => {\n${told}\n${body}\n};\n`;
  writeFileSync(file, whole);
  return file;
}

const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : inspect(value, { breakLength: Number.POSITIVE_INFINITY });

for (const [index, [, title, code, expected]] of examples.entries()) {
  test(`${title}: the example in the guide prints what stands below it`, async (t) => {
    const file = fileOf(code!, index);
    const { default: run } = (await import(file)) as { default(print: (values: unknown[]) => void): Promise<void> };
    const printed: string[] = [];
    await run((values) => void printed.push(values.map(textOf).join(' ')));

    t.deepEqual(printed, expected!.trimEnd().split('\n'));
  });
}

test('every section of the guide has an example that is run', (t) => {
  t.is(examples.length, [...guide.matchAll(/^### /gm)].length);
  t.true(examples.length > 25);
});
