/** The io library, over streams and files that are handed in. */
import test from 'ava';
import { inputOf, MemoryFiles } from './memory-files.ts';
import { failureOf, lines, outcome } from './program.ts';

test('io.read takes formats with and without an asterisk, and gives the next line by default', async (t) => {
  const input = inputOf('first\nsec', 'ond\nthird\n', 'four', 'th\n12 rest\nof it');
  const printed = await lines(
    `
    print(io.read())
    print(io.read("*l"))
    print(io.read("l"))
    print(#io.read("*L"), io.read(0), io.read(2))
    print((io.read("*a"):gsub("\\n", "|")))
    print(io.read("a") == "", io.read(), io.read("*L"), io.read(1), io.read(0), io.read("n"))
  `,
    { input },
  );

  t.deepEqual(printed, ['first', 'second', 'third', '7\t\t12', ' rest|of it', 'true\tnil\tnil\tnil\tnil\tnil']);
});

test('io.read reads numbers as far as they go, decimal and hexadecimal', async (t) => {
  const printed = await lines(
    `
    print(io.read("*n", "n", "*number"))
    print(io.read("n", "l"))
    print(io.read("*l", "n", "l"))
  `,
    { input: inputOf(' 12\n0x', '10 -1.255', 'e2 word\n7', '') },
  );

  t.deepEqual(printed, ['12\t16\t-125.5', 'nil', 'word\t7\tnil']);
});

test('what is not there is nil, and what stood before it is there; a wrong format is an error', async (t) => {
  const input = inputOf('one\ntwo');

  t.deepEqual(await lines('print(io.read("l", "l", "l", "l"))', { input }), ['one\ttwo\tnil']);
  t.regex(await failureOf('io.read("x")', { input }), /bad argument #1 to 'read' \(invalid format\)/);
  t.regex(await failureOf('io.stdin:read("l", {})', { input }), /bad argument #2 to 'read' \(string expected, got ta/);
});

test('io.lines goes over the lines of standard input, or by other formats', async (t) => {
  const count = 'local n = 0 for line in io.lines() do n = n + 1 io.write(n, ":", line, " ") end print()';
  const pairs = 'for a, b in io.stdin:lines(1, "L") do io.write(a, "-", b) end';

  t.deepEqual(await lines(count, { input: inputOf('a\n\nb', 'c\nd') }), ['1:a 2: 3:bc 4:d ']);
  t.deepEqual(await lines(pairs, { input: inputOf('abc\nde\n') }), ['a-bc', 'd-e']);
});

test('while a program waits for input, its sockets go on, and it may be in a coroutine', async (t) => {
  const printed = await lines(
    `
    local reader = coroutine.wrap(function() while true do coroutine.yield(io.read() or "the end") end end)
    local sock = socket.udp()
    sock:bind("127.0.0.1", 9)
    sock:sendto("sent before", "127.0.0.1", 9)
    print(reader(), (pcall(reader)), sock:read(100))
  `,
    { input: inputOf('typed\n') },
  );

  t.deepEqual(printed, ['typed\ttrue\tsent before']);
});

test('a program without input is told so, not that it has ended', async (t) => {
  t.regex(await failureOf('io.read()'), /^program\.lua:1: this program has been given no input\n/);
  t.regex(await failureOf('for line in io.lines() do end'), /this program has been given no input\n/);
});

test('a program without files is told so, by the result where there is one', async (t) => {
  t.deepEqual(await lines('print(io.open("x"))'), ['nil\tx: this program has been given no files\t1']);
  t.regex(await failureOf('io.lines("x")'), /x: this program has been given no files\n/);
  t.regex(await failureOf('io.input("x")'), /x: this program has been given no files\n/);
});

test('files are opened, written, read, and closed', async (t) => {
  const files = new MemoryFiles({ there: 'old text\nsecond line\n' });
  const printed = await lines(
    `
    local file = assert(io.open("new", "w"))
    print(io.type(file), io.type(io.stdout), io.type(5), tostring(file):match("^file %(0x%x+%)$") ~= nil)
    print(file:write("one ", 2, " ", 2.5, "\\n") == file, file:flush(), file:setvbuf("full", 100))
    print(file:read())
    print(file:close(), io.type(file), tostring(file))
    print(pcall(file.write, file, "late"))
    print(io.open("new", "rb"):read("*a"))
    local appended = io.open("there", "a")
    appended:write("third line")
    appended:close()
    for line in io.lines("there") do io.write("[", line, "]") end
    print()
    print(io.open("nowhere"))
    print(pcall(io.open, "there", "x"))
  `,
    { files },
  );

  t.deepEqual(printed, [
    'file\tfile\tnil\ttrue',
    'true\ttrue\ttrue',
    'nil\tBad file descriptor\t9',
    'true\tclosed file\tfile (closed)',
    'false\tattempt to use a closed file',
    'one 2 2.5',
    '',
    '[old text][second line][third line]',
    'nil\tnowhere: No such file or directory\t2',
    "false\tbad argument #2 to 'io.open' (invalid mode)",
  ]);
  t.is(files.text('there'), 'old text\nsecond line\nthird line');
});

test('files that are read and written are at one place, which seek tells and changes', async (t) => {
  const files = new MemoryFiles({ data: '0123456789' });
  const printed = await lines(
    `
    local file = io.open("data", "r+")
    print(file:read(3), file:seek())
    file:write("abc")
    print(file:seek(), file:read("*a"), file:seek("set", 1), file:read(4), file:seek("end", -2), file:read(9))
    print(file:seek("cur", -1), file:seek("set", -1))
    print(pcall(function() file:seek("middle") end))
    print(io.stdout:seek())
    local both = io.open("data", "w+")
    both:write("fresh\\n")
    print(both:seek("set"), both:read())
  `,
    { files },
  );

  t.deepEqual(printed, [
    '012\t3',
    '6\t6789\t1\t12ab\t8\t89',
    '9\tnil\tInvalid argument\t22',
    "false\tprogram.lua:7: bad argument #1 to 'seek' (invalid option 'middle')",
    'nil\tIllegal seek\t29',
    '0\tfresh',
  ]);
  t.is(files.text('data'), 'fresh\n');
});

test('io.input and io.output change where io.read and io.write go, and tell it', async (t) => {
  const files = new MemoryFiles({ questions: 'what?\nwhy?\n' });
  const printed = await lines(
    `
    print(io.input() == io.stdin, io.output() == io.stdout)
    io.input("questions")
    local file = io.output("answers")
    print(io.read(), io.output() ~= io.stdout, io.type(file))
    io.write("because\\n")
    io.output():write("of it\\n")
    io.flush()
    print(io.close(), pcall(io.write, "late"))
    io.output(io.stdout)
    io.write("here again\\n")
    print(io.read(), io.read(), io.close(io.input()))
    print(pcall(io.read))
    print(io.stdout:close())
  `,
    { files },
  );

  t.deepEqual(printed, [
    'true\ttrue',
    'what?\ttrue\tfile',
    'true\tfalse\tstandard output file is closed',
    'here again',
    'why?\tnil\ttrue',
    'false\tstandard input file is closed',
    'nil\tcannot close standard file',
  ]);
  t.is(files.text('answers'), 'because\nof it\n');
});

test('io.lines closes its file at its end; what is left open is closed with the program', async (t) => {
  const files = new MemoryFiles({ data: 'a\nb' });
  const printed = await lines(
    `
    for line in io.lines("data") do io.write(line) end
    print()
    local next = io.lines("data", "*a")
    print(next(), #next(), pcall(io.lines, "gone"))
    io.open("data")
  `,
    { files },
  );

  t.deepEqual(printed, ['ab', 'a', 'b\t0\tfalse\tgone: No such file or directory']);
  t.is(files.opened, 0);
});

test('octets are read and written as they are', async (t) => {
  const all = String.fromCharCode(...Array.from({ length: 256 }, (_, octet) => octet));
  const files = new MemoryFiles({ all });
  const { printed } = await outcome('io.write(io.open("all", "rb"):read("*a"))', { files });

  t.is(printed, all);
});

test('io.write takes strings and numbers only, and says which argument is none', async (t) => {
  t.regex(await failureOf('io.write("a", {})'), /bad argument #2 to 'write' \(string expected, got table\)/);
  t.regex(await failureOf('io.stdout:write("a", nil)'), /bad argument #2 to 'write' \(string expected, got nil\)/);
});

test('io.tmpfile gives a file that is written and read', async (t) => {
  const files = new MemoryFiles();

  t.deepEqual(await lines('local f = io.tmpfile() f:write("x") f:seek("set") print(f:read("*a"))', { files }), ['x']);
});
