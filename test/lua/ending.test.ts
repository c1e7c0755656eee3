/** How a program begins and ends: its arguments, and os.exit wherever it is called. */
import test from 'ava';
import { failureOf, lines, outcome } from './program.ts';

test('the arguments of a program are the values of ... in its main chunk, and arg has them too', async (t) => {
  const args = ['one', '2', ''];

  t.deepEqual(await lines('print(select("#", ...), ...) print(arg[0], arg[1], arg[2], #arg)', { args }), [
    '3\tone\t2\t',
    'program.lua\tone\t2\t3',
  ]);
  t.deepEqual(await lines('print(select("#", ...))'), ['0']);
});

const exits = {
  'in the main chunk': 'os.exit(7)',
  'inside pcall': 'pcall(os.exit, 7)',
  'inside of several pcalls': 'pcall(function() pcall(function() os.exit(7) end) print("on") end)',
  'inside xpcall': 'xpcall(function() os.exit(7) end, function() print("handled") end)',
  'in a coroutine': 'coroutine.wrap(function() pcall(os.exit, 7) print("on") end)()',
  'in a coroutine that is resumed': 'print(coroutine.resume(coroutine.create(function() os.exit(7) end)))',
  'in a coroutine of a coroutine':
    'pcall(coroutine.wrap(function() pcall(coroutine.wrap(function() os.exit(7) end)) print("on") end))',
  'in a callback': 'pcall(string.gsub, "x", "x", function() pcall(os.exit, 7) print("on") end)',
  'in a hook': 'debug.sethook(function() debug.sethook() pcall(os.exit, 7) print("on") end, "c") pcall(print, "on")',
  'in a handler of errors': 'xpcall(error, function() os.exit(7) end)',
  'in a metamethod that the library calls':
    'pcall(tostring, setmetatable({}, { __tostring = function() pcall(os.exit, 7) print("on") end }))',
  'in a coroutine of a metamethod': `
    pcall(tostring, setmetatable({}, { __tostring = function()
      pcall(coroutine.wrap(function() os.exit(7) end))
      print("on")
    end }))`,
  'in a handler of errors that has waited':
    'local s = socket.udp() s:settimeout(1) xpcall(error, function() s:read(1) os.exit(7) end)',
  'in what says what an error is': 'error(setmetatable({}, { __tostring = function() os.exit(7) end }))',
  'after a wait': 'local s = socket.udp() s:settimeout(1) pcall(function() s:read(1) os.exit(7) end)',
};

for (const [where, source] of Object.entries(exits)) {
  test(`os.exit ends the program ${where}, with its code`, async (t) => {
    t.deepEqual(await outcome(`print("begun") ${source} print("on")`), { code: 7, printed: 'begun\n' });
  });
}

test('os.exit takes true, false, a number or nothing', async (t) => {
  const codes = ['', 'true', 'false', 'nil', '3', '0'].map(async (value) => (await outcome(`os.exit(${value})`)).code);

  t.deepEqual(await Promise.all(codes), [0, 0, 1, 0, 3, 0]);
});

test('os.exit closes what the program has left open', async (t) => {
  const { printed } = await outcome('print(socket.tcp()) pcall(os.exit, 0)');

  t.is(printed, '<socket: 3>\n');
});

test('an error that nobody catches is still an error after one that os.exit did not end', async (t) => {
  t.regex(await failureOf('pcall(error, "caught") error("not caught", 0)'), /^not caught\n/);
});
