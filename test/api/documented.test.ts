/** Every documented member and constant is there, in all faces, and is tested and shown by an example. */
import { readdirSync, readFileSync } from 'node:fs';
import test from 'ava';
import { createSocketModule } from '../../src/api/index.ts';
import { openBlockingNetwork } from '../../src/blocking/index.ts';
import { runLua } from '../../src/lua/index.ts';
import { Network } from '../../src/sim/index.ts';
import { titledTests } from '../helpers/titled-tests.ts';
import { documentedConstants, moduleFunctions, sectionOf, sections, socketMethods } from './documented-members.ts';

const root = new URL('../../', import.meta.url);
const module = createSocketModule(new Network().host('alone'));
const constants = Object.entries(documentedConstants);

/** The tests of the module in all files but this one. */
const tests = titledTests(new URL('test/api/', root)).filter(({ file }) => file !== 'documented.test.ts');
const testsOf = (section: string) => tests.filter((each) => each.sections.includes(section));

const missingIn = (text: string, names: readonly string[]): string[] =>
  names.filter((name) => !new RegExp(`\\b${name}\\b`).test(text));

test('the module has every documented function and constant, with the numbers of 1.14', (t) => {
  for (const name of moduleFunctions) t.is(typeof module[name], 'function', name);
  for (const [name, value] of constants) t.is(module[name as keyof typeof module] as unknown, value, name);
});

test('sockets have every documented method', (t) => {
  const [socket] = module.tcp();
  for (const name of socketMethods) t.is(typeof socket![name], 'function', name);
  void socket!.close();
});

test('the blocking face has all of them as well', (t) => {
  const { alone } = openBlockingNetwork({ hosts: { alone: {} }, links: [] });
  const { socket: blocking } = alone;
  for (const name of moduleFunctions) t.is(typeof blocking[name], 'function', name);
  for (const [name, value] of constants) t.is(blocking[name as keyof typeof blocking] as unknown, value, name);
  const [socket] = blocking.tcp();
  for (const name of socketMethods) t.is(typeof socket![name], 'function', name);
  socket!.close();
  alone.close();
});

test('so does Lua', async (t) => {
  let printed = '';
  const program = `
    local sock = socket.tcp()
    for _, name in ipairs({ ${socketMethods.map((name) => `"${name}"`)} }) do
      if type(sock[name]) ~= "function" then print("no method", name) end
    end
    for _, name in ipairs({ ${moduleFunctions.map((name) => `"${name}"`)} }) do
      if type(socket[name]) ~= "function" then print("no function", name) end
    end
    local constants = { ${constants.map(([name, value]) => `${name} = ${JSON.stringify(value)}`)} }
    for name, value in pairs(constants) do
      if socket[name] ~= value then print("not", name, value, socket[name]) end
    end
    sock:close()
    print("looked")
  `;
  await runLua(new TextEncoder().encode(program), module, {
    output: (octets) => {
      printed += new TextDecoder().decode(octets);
    },
  });

  t.is(printed, 'looked\n');
});

test('each function and method has a test of its section that names it in its title, and calls it', (t) => {
  const untested = Object.entries(sectionOf).filter(
    ([name, of]) => !testsOf(of).some(({ title, calls }) => missingIn(title, [name]).length === 0 && calls.has(name)),
  );

  t.deepEqual(untested, []);
});

test('each constant is written down with its number by a test of 1.14', (t) => {
  const written = testsOf('1.14').flatMap(({ values }) => [...values]);

  t.deepEqual(
    constants.filter(([name, value]) => !written.some(([each, number]) => each === name && number === value)),
    [],
  );
});

test('each section has tests', (t) => {
  t.deepEqual(
    sections.filter((section) => testsOf(section).length === 0),
    [],
  );
});

test('each function and method has a Lua example of its name, and a place in the guide', (t) => {
  const examples = readdirSync(new URL('examples/lua', root)).map((name) => name.replace(/\.lua$/, ''));
  const guide = readFileSync(new URL('docs/guide.md', root), 'utf8');
  const headings = [...guide.matchAll(/^### (.*)$/gm)].map(([, heading]) => heading!).join('\n');

  t.deepEqual(
    [...moduleFunctions, ...socketMethods].filter((name) => !examples.includes(name)),
    [],
  );
  t.deepEqual(missingIn(headings, [...moduleFunctions, ...socketMethods]), []);
  t.deepEqual(missingIn(guide, Object.keys(documentedConstants)), []);
});
