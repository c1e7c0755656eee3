/** Numbers are doubles, as in Lua 5.2, though the interpreter knows integers of 32 bits. */
import test from 'ava';
import { lines } from './program.ts';

test('1.14 addresses above 2^31 are equal to what a program writes for them', async (t) => {
  const printed = await lines(`
    print(socket.INADDR_NONE == 0xffffffff, socket.INADDR_NONE == 4294967295, socket.INADDR_NONE == 2^32 - 1)
    print(socket.INADDR_UNSPEC_GROUP == 0xE0000000, socket.INADDR_ALLHOSTS_GROUP == 0xe0000001)
    print(socket.INADDR_UNSPEC_GROUP + 255 == socket.INADDR_MAX_LOCAL_GROUP)
    print(({ [0xffffffff] = "found" })[socket.INADDR_NONE], socket.INADDR_NONE > socket.INADDR_LOOPBACK)
  `);

  t.deepEqual(printed, ['true\ttrue\ttrue', 'true\ttrue', 'true', 'found\ttrue']);
});

test('1.14 they print without a point, however they become texts', async (t) => {
  const printed = await lines(`
    print(socket.INADDR_NONE, tostring(socket.INADDR_NONE), "" .. socket.INADDR_NONE)
    io.write(socket.INADDR_UNSPEC_GROUP, "\\n")
    print(table.concat({ socket.INADDR_NONE, 1 }, " "), ("x"):rep(2, socket.INADDR_NONE))
    print(string.format("%d %i %u %s %x %X %o", 2^32 - 1, 2^32 - 1, 2^32 - 1, 2^32 - 1, 2^32 - 1, 2^31, 2^31))
  `);

  t.deepEqual(printed, [
    '4294967295\t4294967295\t4294967295',
    '3758096384',
    '4294967295 1\tx4294967295x',
    '4294967295 4294967295 4294967295 4294967295 ffffffff 80000000 20000000000',
  ]);
});

test('1.4 they are hosts for connect, bind and sendto, as numbers and as texts', async (t) => {
  const printed = await lines(`
    local one, two = socket.udp(), socket.udp()
    print(one:connect("" .. socket.INADDR_UNSPEC_GROUP, 9), one:getpeername()[1])
    print(two:connect(socket.INADDR_MAX_LOCAL_GROUP, 9), two:getpeername()[1])
    print(socket.udp():bind(socket.INADDR_ALLHOSTS_GROUP, 9))
    print(socket.udp():sendto("x", socket.INADDR_NONE, 9))
    print(socket.udp():connect(127 * 16777216 + 1, 9), socket.udp():connect(224 * 16777216 + 5, 9))
    print(socket.getaddrinfo(socket.INADDR_ALLHOSTS_GROUP, 9)[1].addr)
  `);

  t.deepEqual(printed, [
    'true\t224.0.0.0',
    'true\t224.0.0.255',
    'true',
    'nil\tPermission denied',
    'true\ttrue',
    '224.0.0.1',
  ]);
});

test('format lays large numbers out as it does small ones', async (t) => {
  const printed = await lines(`
    print(("[%12d] [%-12d] [%012d] [%+d] [% d] [%d]"):format(2^31, 2^31, 2^31, 2^31, 2^31, -2^31 - 1))
    print(("[%10x] [%010X] [%#x] [%-10o|] [%x] [%d%%]"):format(2^31, 2^32 - 1, 2^31, 2^31, 2^40, 2^53))
    print(("%s %d %5.1f %q"):format("a", 2^31, 2^31, "b"), ("%d"):format("4294967295"), ("%d"):format(3.0))
    print(("%d %d %x %5d|%i"):format(2^31 + 0.5, 3.7, 255.9, -3.7, "2.5"))
    print(pcall(string.format, "%d", 1/0))
    print(pcall(string.format, "%d", "x"))
  `);

  t.deepEqual(printed, [
    '[  2147483648] [2147483648  ] [002147483648] [+2147483648] [ 2147483648] [-2147483649]',
    '[  80000000] [00FFFFFFFF] [0x80000000] [20000000000|] [10000000000] [9007199254740992%]',
    'a 2147483648 2147483648.0 "b"\t4294967295\t3',
    '2147483648 3 ff    -3|2',
    "false\tbad argument #2 to 'string.format' (number has no integer representation)",
    "false\tbad argument #2 to 'string.format' (number expected, got string)",
  ]);
});

test('arithmetic does not wrap around, and whole numbers print as such', async (t) => {
  const printed = await lines(`
    print(2147483647 + 1, 65536 * 65536, 192 * 16777216 + 168 * 65536, -2147483648 - 1, 10 / 2, 3 * 1.0, 2^10, 7 // 2)
    print(tonumber("2147483647") + 1, tonumber("0xffffffff"), tonumber("ffffffff", 16), tonumber(" 10 "), tonumber("1e3"))
    print("10" * 65536 * 65536, tonumber("x"), tonumber("zz", 36), tonumber("9", 8), tonumber("-ff", 16), tonumber(""))
    local sum = 0
    for index = 1, 3 do sum = sum + index * 1000000000 end
    print(sum, #("abc"), #{ 1, 2 }, math.floor(2.5), 5 % 3, -5 % 3, 1e15, 0.5)
    local list = {}
    for index = 1, 3 do list[index] = index end
    print(#list, list[2], table.concat(list, ","), select(2, "a", "b"), ("abc"):sub(2, 3), next({ 7 }))
  `);

  t.deepEqual(printed, [
    '2147483648\t4294967296\t3232235520\t-2147483649\t5\t3\t1024\t3',
    '2147483648\t4294967295\t4294967295\t10\t1000',
    '42949672960\tnil\t1295\tnil\t-255\tnil',
    '6000000000\t3\t2\t2\t2\t1\t1000000000000000\t0.5',
    '3\t2\t1,2,3\tb\tbc\t1\t7',
  ]);
});

test('numerals are numerals nowhere but in the program itself', async (t) => {
  const printed = await lines(`
    -- 1 in a comment --[[ 2
    --[==[ 3 ]] "4 ]==] print("[5] 6", '7 "8" \\'9', [[10 "11]], [=[12]]13]=])
    local a1, _2, x3y = 14, 15, 16
    print(a1, _2, x3y, "17\\
18", "\\z
      19 \\065\\x41")
    print(({ 20, [21] = 22, ["23"] = 24 })[21], 1 ..2, 0x10, 0xA.8p1, 1e2, .5, 3., 0xffffffff-1, 5--comment 1
    )
  `);

  t.deepEqual(printed, [
    '[5] 6\t7 "8" \'9\t10 "11\t12]]13',
    '14\t15\t16\t17',
    '18\t19 AA',
    '22\t12\t16\t21\t100\t0.5\t3\t4294967294\t5',
  ]);
});

test('load compiles with the same numerals, and tells errors in the text that it was given', async (t) => {
  const printed = await lines(`
    print(load("return 0xffffffff, 2147483647 + 1")())
    print(load("x = = 1"))
    print(load("return ...", "name", "t", {})(5), load("return y", "name", "t", { y = 6 })(), load("return y")())
    print(load("error('here')") and select(2, pcall(load("error('here')"))))
    print(#string.dump(load("return 1")) > 0, load(string.dump(load("return 2147483648")))())
  `);

  t.deepEqual(printed, [
    '4294967295\t2147483648',
    'nil\t[string "x = = 1"]:1: unexpected symbol near \'=\'',
    '5\t6\tnil',
    '[string "error(\'here\')"]:1: here',
    'true\t2147483648',
  ]);
});

test('the operators on bits, which are those of Lua 5.3, take 32 bits without a sign', async (t) => {
  const printed = await lines(`
    print(0xffffffff & 0xff00, 0xf0000000 | 15, 0xffffffff ~ 1, 0xff000000 >> 24, 0x80000000 << 1, ~0xffffffff, 6 & 3)
    print(pcall(function() return 2^31 + 0.5 & 1 end))
    print(pcall(function() return 0xffffffff & {} end) == false, pcall(function() return 1 & nil end) == false)
  `);

  t.deepEqual(printed, [
    '65280\t4026531855\t4294967294\t255\t0\t0\t2',
    'false\tprogram.lua:3: number has no integer representation',
    'true\ttrue',
  ]);
});

test('what math and os.time give does not wrap around, and math.random takes any bounds', async (t) => {
  const printed = await lines(`
    print(math.floor(70000.5) * math.floor(70000.5), math.ceil(69999.5) * math.ceil(69999.5), math.abs(-3) * 1000000000)
    print((math.modf(70000.5)) * (math.modf(70000.5)), math.fmod(70001, 70002) * math.fmod(70001, 70002))
    print(math.random(70000, 70000) * math.random(70000, 70000), os.time() * os.time() > 0, math.max(3, 7), math.floor(2^40))
    local least, most = 2^32, 0
    for _ = 1, 100 do
      local value = math.random(2^31, 2^32 - 1)
      least, most = math.min(least, value), math.max(most, value)
      if value ~= math.floor(value) then error(value) end
    end
    print(least >= 2^31, most < 2^32, most - least > 2^29, math.random(2^40) >= 1, math.random() < 1)
    print(pcall(math.random, 2^33, 2^32))
  `);

  t.deepEqual(printed, [
    '4900000000\t4900000000\t3000000000',
    '4900000000\t4900140001',
    '4900000000\ttrue\t7\t1099511627776',
    'true\ttrue\ttrue\ttrue\ttrue',
    "false\tbad argument #2 to 'math.random' (interval is empty)",
  ]);
});

test('places, counts and bounds may have fractions, which are cut off', async (t) => {
  const printed = await lines(`
    print(("abcdef"):sub(1.9, 5 / 2), ("="):rep(10 / 4), ("abc"):byte(2.5), string.char(65.9, "66"), ("aXbX"):find("X", 3.2))
    print(table.concat({ 1, 2, 3 }, ",", 1.5, 2.5), table.unpack({ 7, 8, 9 }, 1.5, 2.9))
    local list = { "a", "b", "c" }
    table.insert(list, 2.5, 0.5)
    print(table.remove(list, 2.9), #list, select(2.5, "x", "y"), math.random(5 / 4))
    print(pcall(string.rep, "x", {}))
    print(pcall(string.sub))
  `);

  t.deepEqual(printed, [
    'ab\t==\t98\tAB\t4\t4',
    '1,2\t7\t8',
    '0.5\t3\ty\t1',
    "false\tbad argument #2 to 'string.rep' (number expected, got table)",
    "false\tbad argument #1 to 'string.sub' (string expected, got no value)",
  ]);
});
