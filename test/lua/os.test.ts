/** What a program removes, renames, starts and loads: paths of AF_UNIX, and files that were handed in. */
import test from 'ava';
import { inputOf, MemoryFiles } from './memory-files.ts';
import { failureOf, lines } from './program.ts';

test('1.4 os.remove removes a path of AF_UNIX, which can then be bound again', async (t) => {
  const printed = await lines(`
    local function datagram() return socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) end
    local first = datagram()
    print(first:bind("/run/post"), datagram():bind("/run/post"))
    print(os.remove("/run/post"), datagram():bind("/run/post"))
    print(os.remove("/run/post"), os.remove("/run/post"))
    print(socket.udp())
  `);

  t.deepEqual(printed, [
    'true\tnil\tAddress already in use',
    'true\ttrue',
    'true\tnil\t/run/post: this program has been given no files\t1',
    '<socket: 6>',
  ]);
});

test('1.4 a path of any octets is removed, and an abstract name is no path', async (t) => {
  const files = new MemoryFiles();
  const printed = await lines(
    `
    local one, two = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    one:bind("/\\xff")
    two:bind("\\0abstract")
    print(os.remove("/\\xff"), (os.remove("\\0abstract")))
  `,
    { files },
  );

  t.deepEqual(printed, ['true\tnil']);
});

test('what is no path of AF_UNIX is a file', async (t) => {
  const files = new MemoryFiles({ old: 'x', other: 'y' });
  const printed = await lines(
    `
    print(os.remove("old"), os.remove("old"))
    print(os.rename("other", "new"), os.rename("other", "new"))
    print(os.tmpname())
  `,
    { files },
  );

  t.deepEqual(printed, [
    'true\tnil\told: No such file or directory\t2',
    'true\tnil\tother: No such file or directory\t2',
    '/tmp/lua_1',
  ]);
  t.deepEqual([...files.contents.keys()], ['new']);
});

test('a program that has been given nothing reaches nothing', async (t) => {
  const printed = await lines(`
    print(os.rename("a", "b"))
    print(os.execute())
    print(os.execute("true"))
    print(loadfile("package.json"))
    print((pcall(require, "package.json")), package.loadlib, (package.searchpath("package", "./?.json")))
  `);

  t.deepEqual(printed, [
    'nil\ta: this program has been given no files\t1',
    'false',
    'nil\tthis program has been given no shell\t1',
    'nil\tcannot open package.json: this program has been given no files',
    'false\tnil\tnil',
  ]);
  t.regex(await failureOf('os.tmpname()'), /this program has been given no files/);
  t.regex(await failureOf('dofile("x.lua")'), /^cannot open x\.lua: this program has been given no files/);
});

test('os.execute gives how the command has ended; the program waits for it', async (t) => {
  const asked: string[] = [];
  const execute = async (command: string) => {
    asked.push(command);
    if (command === 'fails') return { how: 'exit', code: 3 } as const;
    return command === 'dies' ? ({ how: 'signal', code: 9 } as const) : ({ how: 'exit', code: 0 } as const);
  };
  const program = 'print(os.execute(), os.execute("works")) print(os.execute("fails")) print(os.execute("dies"))';

  t.deepEqual(await lines(program, { execute }), ['true\ttrue\texit\t0', 'nil\texit\t3', 'nil\tsignal\t9']);
  t.deepEqual(asked, ['works', 'fails', 'dies']);
});

test('loadfile and dofile run files, with the numerals and waits of programs', async (t) => {
  const files = new MemoryFiles({
    'good.lua': '#!/usr/bin/lua\nlocal s = socket.udp() s:settimeout(1) s:read(1) return 0xffffffff, ...',
    'bad.lua': '\nx = = 1',
    'env.lua': 'return y',
    'fails.lua': '\nerror("inside")',
  });
  const printed = await lines(
    `
    print(loadfile("good.lua")("argument"))
    print(dofile("good.lua"))
    print(loadfile("bad.lua"))
    print(loadfile("env.lua", "t", { y = 5 })(), loadfile("env.lua")(), loadfile("env.lua", "b"))
    print(pcall(dofile, "fails.lua"))
    print(pcall(dofile, "gone.lua"))
    print(loadfile()(), pcall(loadfile, {}))
  `,
    { files, input: inputOf('return "from', ' input"') },
  );

  t.deepEqual(printed, [
    '4294967295\targument',
    '4294967295',
    "nil\tbad.lua:2: unexpected symbol near '='",
    "5\tnil\tnil\tattempt to load a text chunk (mode is 'b')",
    'false\tfails.lua:2: inside',
    'false\tcannot open gone.lua: No such file or directory',
    "from input\tfalse\tloading:5: bad argument #1 to 'loadfile' (string expected, got table)",
  ]);
});

test('require finds modules among the files, which may wait', async (t) => {
  const files = new MemoryFiles({
    './mine.lua':
      'local s = socket.udp() s:settimeout(1) s:read(1) counted = (counted or 0) + 1 return { name = ..., 2^31 }',
    './deep/init.lua': 'value = 7',
    './deep/one.lua': 'return "deep.one"',
    './broken.lua': 'x = = 1',
  });
  const printed = await lines(
    `
    local mine = require "mine"
    print(mine.name, mine[1], require "mine" == mine, counted, package.loaded.mine == mine)
    print(require "deep", value, require "deep.one")
    package.preload.given = function(name) return name .. "!" end
    print(require "given", require "string" == string, require "socket" == socket, require "io" == io, require "bit32" == bit32)
    print((select(2, pcall(require, "broken")):gsub("\\n.*", "")))
    print((select(2, pcall(require, "gone")):gsub("\\t.*", "")))
    print(package.searchpath("mine", "?.txt;./?.lua"), (package.searchpath("gone", "?.txt")))
  `,
    { files },
  );

  t.deepEqual(printed, [
    'mine\t2147483648\ttrue\t1\ttrue',
    'true\t7\tdeep.one',
    'given!\ttrue\ttrue\ttrue\ttrue',
    "error loading module 'broken' from file './broken.lua':",
    "module 'gone' not found:",
    '',
    './mine.lua\tnil',
  ]);
});
