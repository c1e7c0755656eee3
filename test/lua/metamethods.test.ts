/** Metamethods that the library calls: they may wait. Otherwise all is as Lua 5.3 has it. */
import test from 'ava';
import { failureOf, lines } from './program.ts';

/** `proxy(list)` is like a list, and waits each time. */
const waiting = `
  local sock = socket.udp()
  sock:settimeout(0.001)
  local function wait(...) sock:read(1) return ... end
  local function proxy(list)
    return setmetatable({}, {
      __index = function(_, key) return wait(list[key]) end,
      __newindex = function(_, key, value) wait() list[key] = value end,
      __len = function() return wait(#list) end,
    })
  end
`;

test('calls wait in __tostring, which tostring, print and string.format call', async (t) => {
  const printed = await lines(`${waiting}
    local speaking = setmetatable({}, { __tostring = function() return wait("words") end })
    print(tostring(speaking), speaking, 5)
    print(("%5d|%10s|%s|%%"):format(2^33, speaking, nil))
    print(tostring(setmetatable({}, { __tostring = function() return 5 end })))
    print(pcall(tostring, setmetatable({}, { __tostring = function() return {} end })))
    print(pcall(string.format, "%s", setmetatable({}, { __tostring = function() return nil end })))
    print(pcall(string.format, "%d", speaking))
    print(pcall(tostring))
  `);

  t.deepEqual(printed, [
    'words\twords\t5',
    '8589934592|     words|nil|%',
    '5',
    "false\t'__tostring' must return a string",
    "false\t'__tostring' must return a string",
    "false\tbad argument #2 to 'string.format' (number expected, got table)",
    "false\tbad argument #1 to 'tostring' (value expected)",
  ]);
});

test('print calls the global tostring, as it is then', async (t) => {
  const printed = await lines(`${waiting}
    local own = tostring
    function tostring(value) return wait("<" .. own(value) .. ">") end
    print(1, nil)
    function tostring() return {} end
    local _, why = pcall(print, 1)
    tostring = own
    print(why)
  `);

  t.deepEqual(printed, ['<1>\t<nil>', "'tostring' must return a string to 'print'"]);
});

test('calls wait in __pairs, __ipairs, and the __index of what ipairs goes over', async (t) => {
  const printed = await lines(`${waiting}
    local given = setmetatable({}, {
      __pairs = function(self) return wait(next, { key = "value" }, nil) end,
      __ipairs = function(self) return wait(function(_, place) if place < 2 then return place + 1, "at" end end, self, 0) end,
    })
    for key, value in pairs(given) do print(key, value) end
    for place, value in ipairs(given) do print(place, value) end
    for place, value in ipairs(proxy({ "a", "b" })) do print(place, value) end
    for place, value in ipairs({ "plain" }) do print(place, value) end
    print(pcall(pairs))
    print(pcall(ipairs))
  `);

  t.deepEqual(printed, [
    'key\tvalue',
    '1\tat',
    '2\tat',
    '1\ta',
    '2\tb',
    '1\tplain',
    "false\tbad argument #1 to 'pairs' (value expected)",
    "false\tbad argument #1 to 'ipairs' (value expected)",
  ]);
});

test('calls wait in the metamethods of lists, which the library of tables goes over', async (t) => {
  const printed = await lines(`${waiting}
    local list = { 5, 3, 9, 1 }
    local other = proxy(list)
    local function show() print(table.concat(list, " ")) end
    print(table.concat(other, ","), table.concat(other, "-", 2, 3), table.concat(other, "", 3, 2) == "")
    print(table.unpack(other)) print(table.unpack(other, 2, 3)) print(select("#", table.unpack(other, 3, 6)))
    table.insert(other, 7) show()
    table.insert(other, 2, 8) show()
    print(table.remove(other), table.remove(other, 1)) show()
    print(table.remove(proxy({})), table.remove(other, 5)) show()
    table.sort(other) show()
    table.sort(other, function(a, b) return wait(a > b) end) show()
    print(table.move(other, 1, 3, 2) == other) show()
    table.move(other, 2, 4, 1) show()
    print(table.concat(table.move(other, 1, 2, 2, { "first" }), " "))
    print(table.move({ 1, 2 }, 1, 2, 3, other) == other) show()
  `);

  t.deepEqual(printed, [
    '5,3,9,1\t3-9\ttrue',
    '5\t3\t9\t1',
    '3\t9',
    '4',
    '5 3 9 1 7',
    '5 8 3 9 1 7',
    '7\t5',
    '8 3 9 1',
    'nil\tnil',
    '8 3 9 1',
    '1 3 8 9',
    '9 8 3 1',
    'true',
    '9 9 8 3',
    '9 8 3 3',
    'first 9 8',
    'true',
    '9 8 1 2',
  ]);
});

test('calls wait in __lt, by which table.sort compares, and in __eq, by which table.move tells tables apart', async (t) => {
  const printed = await lines(`${waiting}
    local order = { __lt = function(a, b) return wait(a.rank < b.rank) end }
    local list = {}
    for place, rank in ipairs({ 3, 1, 2 }) do list[place] = setmetatable({ rank = rank }, order) end
    table.sort(list)
    print(list[1].rank, list[2].rank, list[3].rank)
    local same = { __eq = function() return wait(true) end }
    local from, to = setmetatable({ 1, 2, 3 }, same), setmetatable({}, same)
    print(table.concat(table.move(from, 1, 3, 2, to), " ", 2, 4))
  `);

  t.deepEqual(printed, ['1\t2\t3', '1 2 3']);
});

test('calls wait in the __index of what string.gsub looks up', async (t) => {
  const printed = await lines(`${waiting}
    local words = setmetatable({ c = "own" }, { __index = function(_, key) if key ~= "b" then return wait(key .. key) end end })
    print(("a b c"):gsub("%w", words))
    print(("k=v"):gsub("(%w)=(%w)", words))
    print(pcall(string.gsub, "x", "x", setmetatable({}, { __index = function() return true end })))
  `);

  t.deepEqual(printed, ['aa b own\t3', 'kk\t1', 'false\tinvalid replacement value (a boolean)']);
});

test('calls wait in the metamethods of the table of os.time', async (t) => {
  const printed = await lines(`${waiting}
    local date = { year = 2020, month = 14, day = 1 }
    print(os.time(proxy(date)) == os.time({ year = 2021, month = 2, day = 1 }), date.year, date.month, date.wday, date.yday)
    print(pcall(os.time, proxy({ year = 2020 })))
  `);

  t.deepEqual(printed, ['true\t2021\t2\t2\t32', "false\tfield 'month' missing in date table"]);
});

test('what is wrong with lists is told as without metamethods', async (t) => {
  const printed = await lines(`${waiting}
    local function try(...) print((select(2, pcall(...)))) end
    try(table.concat, proxy({ 1, {}, 3 }), ",")
    try(table.concat, setmetatable({}, { __len = function() return 2.5 end }))
    try(table.concat, setmetatable({}, { __len = function() return "2" end, __index = function() return "x" end }))
    try(table.insert, proxy({}), 3, "x")
    try(table.insert, proxy({}))
    try(table.insert, proxy({}), 1, 2, 3)
    try(table.remove, proxy({ 1 }), 7)
    try(table.unpack, proxy({}), 1, 1e7)
    try(table.sort, proxy({ 1, "x" }))
    try(table.sort, proxy({ 1, 2 }), 5)
    try(table.move, proxy({ 1, 2 }), 1, 2, 3, 5)
    try(table.concat, setmetatable({}, { __index = function() error("own", 2) end, __len = function() return 1 end }))
  `);

  t.deepEqual(printed, [
    "invalid value (table) at index 2 in table for 'concat'",
    'object length is not an integer',
    'xx',
    "bad argument #2 to 'table.insert' (position out of bounds)",
    "wrong number of arguments to 'insert'",
    "wrong number of arguments to 'insert'",
    "bad argument #1 to 'table.remove' (position out of bounds)",
    'too many results to unpack',
    'attempt to compare string with number',
    "bad argument #2 to 'table.sort' (function expected, got number)",
    "bad argument #5 to 'table.move' (table expected, got number)",
    'own',
  ]);
  t.regex(
    await failureOf('\ntable.concat(setmetatable({}, { __len = function() return 1 end }))'),
    /^program\.lua:2: invalid value \(nil\) at index 1 in table for 'concat'\n/,
  );
});
