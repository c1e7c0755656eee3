/** Handlers of xpcall: they may wait, and see what has failed. */
import test from 'ava';
import { lines } from './program.ts';

const waiting = `
  local sock = socket.udp()
  sock:settimeout(0.1)
  local function wait(...) sock:read(1) return ... end
`;

test('calls wait in handlers of xpcall, whatever has failed', async (t) => {
  const printed = await lines(`${waiting}
    print(xpcall(error, function(why) return wait(why .. "!"), "and no more" end, "error"))
    print(xpcall(function() local none return none.field end, wait))
    print(xpcall(nil, wait))
    print(xpcall(string.rep, wait))
    print(xpcall(function() return ("x"):gsub("x", function() error("in gsub", 0) end) end, wait))
    print(xpcall(function() return setmetatable({}, { __index = function() error("in __index", 0) end }).x end, wait))
    print(xpcall(wait, wait, 1, nil, 3))
    local function deep() return 1 + deep() end
    print(xpcall(deep, wait))
    print(coroutine.wrap(function() return xpcall(error, wait, "in a coroutine") end)())
  `);

  t.deepEqual(printed, [
    'false\terror!',
    "false\tprogram.lua:7: attempt to index a nil value (local 'none')",
    'false\tattempt to call a nil value',
    "false\tbad argument #1 to 'string.rep' (string expected, got no value)",
    'false\tin gsub',
    'false\tin __index',
    'true\t1\tnil\t3',
    'false\tprogram.lua:13: stack overflow',
    'false\tin a coroutine',
  ]);
});

test('after a handler that has waited the program goes on as after any other', async (t) => {
  const printed = await lines(`${waiting}
    print(xpcall(function()
      print(xpcall(error, wait, "inner"))
      error("outer", 0)
    end, wait))
    local thread = coroutine.create(function(a)
      return xpcall(function() error(coroutine.yield(a + 1), 0) end, wait)
    end)
    print(coroutine.resume(thread, 1))
    print(coroutine.resume(thread, "given"))
    print(coroutine.status(thread), select(2, coroutine.running()))
    for count = 1, 300 do assert(select(2, xpcall(error, wait, count)) == count) end
    print(pcall(error, "no handler's"))
  `);

  t.deepEqual(printed, [
    'false\tinner',
    'false\touter',
    'true\t2',
    'true\tfalse\tgiven',
    'dead\ttrue',
    "false\tno handler's",
  ]);
});

test('a handler that fails handles that too, and for ever it cannot', async (t) => {
  const printed = await lines(`${waiting}
    for _, pause in ipairs({ function(...) return ... end, wait }) do
      local count = 0
      print(xpcall(error, function(why)
        count = pause(count + 1)
        if count < 3 then error("again " .. count, 0) end
        return why
      end, "first"))
    end
    print(xpcall(error, error, "x"))
    print(xpcall(error, function() local none return none.field end))
  `);

  t.deepEqual(printed, [
    'false\tagain 2',
    'false\tagain 2',
    'false\terror in error handling',
    'false\terror in error handling',
  ]);
});

test('a handler sees what has failed right below itself, and debug.traceback begins there', async (t) => {
  const printed = await lines(`${waiting}
    local function fails() local none return none.field end
    print(xpcall(fails, function() local where = debug.getinfo(2, "Sl") return wait(where.short_src .. where.currentline) end))
    print((select(2, xpcall(fails, debug.traceback)):gsub("\\n%s*", "|")))
    print((select(2, xpcall(fails, function(why) return wait(debug.traceback(why, 2)) end)):gsub("\\n%s*", "|")))
    print((select(2, xpcall(fails, function(why) wait() return debug.traceback(why) end)):gsub("\\n%s*", "|")))
  `);

  t.is(printed[0], 'false\tprogram.lua6');
  const trace =
    /^program\.lua:6: attempt to index .*\|stack traceback:\|program\.lua:6: in function <program\.lua:6>\|/;
  t.regex(printed[1]!, trace);
  t.regex(printed[2]!, trace);
  t.regex(printed[3]!, /program\.lua:6: in function <program\.lua:6>\|/);
});

test('what is no function is no handler', async (t) => {
  const printed = await lines('print(pcall(xpcall, error)) print(pcall(xpcall, error, {}))');

  t.deepEqual(
    printed.map((line) => line.replace(/\w+:\d+: /, '')),
    [
      "false\tbad argument #2 to 'xpcall' (function expected, got no value)",
      "false\tbad argument #2 to 'xpcall' (function expected, got table)",
    ],
  );
});
