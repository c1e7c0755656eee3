/** Functions of the program that the library calls: there calls wait as everywhere else, but for hooks. */
import test from 'ava';
import { failureOf, lines } from './program.ts';

test('calls wait in what string.gsub calls', async (t) => {
  const printed = await lines(`
    local sock = socket.udp()
    sock:settimeout(0.1)
    local function wait(...) return select(2, sock:read(1)), ... end
    print(("a b"):gsub("%a", wait))
    print(("k=v, x=y"):gsub("(%w)=(%w)", function(k, v) sock:read(1) return v .. "=" .. k end))
    print(("abc"):gsub("", function() sock:read(1) return "-" end))
    print(("abc"):gsub("()", function(place) return place end))
    print(("hello"):gsub("l", function() sock:read(1) return nil end), ("hello"):gsub("l", function() return false end))
    print(("aaa"):gsub("a", function(a) sock:read(1) return a:upper() end, 2))
    print(coroutine.wrap(function() return ("x"):gsub("x", function() coroutine.yield("from within") return "y" end) end)())
  `);

  t.deepEqual(printed, [
    'Operation timed out Operation timed out\t2',
    'v=k, y=x\t2',
    '-a-b-c-\t4',
    '1a2b3c4\t4',
    'hello\thello\t2',
    'AAa\t2',
    'from within',
  ]);
});

test('string.gsub is as it was otherwise', async (t) => {
  const printed = await lines(`
    print(("abc"):gsub("b", "%0%0"), ("abc"):gsub("b", { b = "x" }), ("abc"):gsub("^a", "", 1))
    print(pcall(string.gsub, "x", "x", function() return {} end))
    print(pcall(string.gsub, "x", "(", function() end))
    print(pcall(string.gsub, "x", "x", function() error("own", 0) end))
    print(pcall(function() return ("xy"):gsub(".", function(c) io.write(c, " ") return {} end) end))
    print(("a.b"):gsub("%.", function() return "%1" end))
  `);

  t.deepEqual(printed, [
    'abbc\taxc\tbc\t1',
    'false\tinvalid replacement value (a table)',
    'false\tunfinished capture',
    'false\town',
    'x false\tprogram.lua:6: invalid replacement value (a table)',
    'a%1b\t1',
  ]);
  t.regex(
    await failureOf('\n("x"):gsub()'),
    /^program\.lua:2: bad argument #1 to 'gsub' \(string expected, got no value/,
  );
  t.regex(await failureOf('\ntable.sort(5, function() end)'), /bad argument #1 to 'sort' \(table expected, got number/);
  t.regex(
    await failureOf('\ntable.sort({ 1, 2 }, 5)'),
    /^program\.lua:2: bad argument #2 to 'sort' \(function expected/,
  );
});

test('calls wait in what table.sort calls, and it sorts', async (t) => {
  const printed = await lines(`
    local sock = socket.udp()
    sock:settimeout(0.1)
    local list = { 5, 3, 9, 1, 7, 7, 2 }
    table.sort(list, function(a, b) sock:read(1) return a > b end)
    print(table.concat(list, " "))
    local many, state = {}, 1
    for index = 1, 1000 do
      state = state * 16807 % 2147483647
      many[index] = state
    end
    table.sort(many, function(a, b) return a < b end)
    local isSorted = #many == 1000
    for index = 2, 1000 do isSorted = isSorted and many[index - 1] <= many[index] end
    print(isSorted, select("#", table.sort({}, function() end)), select("#", table.sort({ 1 }, function() end)))
    print(pcall(table.sort, list, function() error("own", 0) end))
    table.sort(list)
    print(table.concat(list, " "))
  `);

  t.deepEqual(printed, ['9 7 7 5 3 2 1', 'true\t0\t0', 'false\town', '1 2 3 5 7 7 9']);
});

test('calls wait in what load calls for the next piece', async (t) => {
  const printed = await lines(`
    local sock = socket.udp()
    sock:settimeout(0.1)
    local function pieces(...)
      local left = { ... }
      return function() sock:read(1) return table.remove(left, 1) end
    end
    print(load(pieces("return ", "0xffff", "ffff"))())
    print(load(pieces("return 1", "", " + 1"))(), load(pieces())())
    print(load(pieces("x = = 1")), load(pieces("= 1"), "=named"))
    print(load(pieces("return y"), nil, "t", { y = 5 })(), load(pieces("x"), nil, "b"))
    print(load(pieces("return ", {})))
    print(load(function() error("own", 0) end))
  `);

  t.deepEqual(printed, [
    '4294967295',
    '1',
    "nil\tnil\tnamed:1: unexpected symbol near '='",
    "5\tnil\tattempt to load a text chunk (mode is 'b')",
    'nil\tprogram.lua:12: reader function must return a string',
    'nil\town',
  ]);
});

test('1.9 a hook cannot wait; what need not wait goes on there: close, options, timeouts, names', async (t) => {
  const printed = await lines(`
    local sock, words = socket.tcp(), nil
    local function hook()
      debug.sethook()
      sock:settimeout(1)
      sock:setoption(socket.IPPROTO_TCP, socket.TCP_NODELAY, true)
      words = { sock:fileno(), sock:gettimeout(), sock:getsockname()[1], socket.udp():fileno() }
      sock:close()
      words[#words + 1] = sock:fileno()
      words[#words + 1] = select(2, pcall(function() return socket.udp():read(1) end))
      words[#words + 1] = select(2, pcall(coroutine.wrap(function() return socket.udp():read(1) end)))
    end
    debug.sethook(hook, "l")
    local line = 1
    print(table.concat(words, " "))
  `);

  t.deepEqual(printed, [
    '3 1 0.0.0.0 4 -1 program.lua:10: attempt to wait inside of a hook attempt to wait inside of a hook',
  ]);
});
