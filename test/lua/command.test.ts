/** `npm start -- lua`: programs in memory, by the command line. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';

const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'tundra-lua-'));
test.after.always(() => rmSync(folder, { recursive: true }));

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const lua = (...args: string[]): Ended => luaWith('', ...args);

/** Runs a program with a standard input. */
function luaWith(input: string, ...args: string[]): Ended {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--import=tsx', 'tools/main.ts', 'lua', ...args], {
    cwd: root,
    encoding: 'utf8',
    input,
  });
  return { status, stdout, stderr };
}

test('two programs talk over a lossy link; one that serves for ever ends with the other', (t) => {
  const { status, stdout } = lua(
    ...['examples/lua/write.lua', '--memory', '--with', 'examples/lua/echo-server.lua', '--loss', '0.2'],
  );

  t.is(stdout, 'nil\tConnection closed\n5\n0\n5\n');
  t.is(status, 0);
});

test('a program that ends with sockets open closes them: its peer sees the end', (t) => {
  const [here, there] = [join(folder, 'leaves.lua'), join(folder, 'reads.lua')];
  writeFileSync(here, 'local sock = socket.tcp() sock:connect("there", 80) sock:write("bye")');
  writeFileSync(
    there,
    'local l = socket.tcp() l:bind("", 80) l:listen(1) local c = l:accept() print(c:read(9)) print(c:read(9)) l:close()',
  );
  const { status, stdout } = lua(here, '--memory', '--with', there);

  t.is(stdout, 'bye\n\tConnection closed\n');
  t.is(status, 0);
});

test('os.exit ends the program with its code, io.stderr goes to standard error, require finds the module', (t) => {
  const file = join(folder, 'exit.lua');
  writeFileSync(file, 'print(require "socket" == socket) io.stderr:write("why\\n") os.exit(3) print("never")');
  const { status, stdout, stderr } = lua(file, '--memory');

  t.is(status, 3);
  t.is(stdout, 'true\n');
  t.regex(stderr, /why/);
});

test('a program that fails tells why on standard error, with exit code 1', (t) => {
  const file = join(folder, 'fails.lua');
  writeFileSync(file, 'error("no")');
  const { status, stderr } = lua(file, '--memory');

  t.is(status, 1);
  t.regex(stderr, /lua: fails\.lua:1: no\nstack traceback:/);
});

test('a program reads standard input, and real files', (t) => {
  const [file, other] = [join(folder, 'reads.lua'), join(folder, 'written.txt')];
  writeFileSync(
    file,
    `local name = ...
    local out = assert(io.open(name, "w"))
    for line in io.lines() do out:write("<", line, ">") end
    print(out:close(), io.read())
    local both = io.open(name, "a+")
    both:write("!")
    print(both:seek("set"), both:read("*a"))
    print(io.open(name .. "/no"))
    print(os.tmpname() ~= os.tmpname())
    print(os.execute("exit 3"))
    print(os.remove(name), (os.remove(name)))`,
  );
  const { status, stdout } = luaWith('one\ntwo', file, other, '--memory');

  t.is(stdout, `true\tnil\n0\t<one><two>!\nnil\t${other}/no: Not a directory\t20\ntrue\nnil\texit\t3\ntrue\tnil\n`);
  t.is(status, 0);
});

test('the help keeps the command apart from what it does', (t) => {
  const { stdout } = lua('--help');

  t.regex(stdout, /^ {2}lua FILE \[ARGUMENT\]\.\.\. {2}run a Lua program/m);
});
