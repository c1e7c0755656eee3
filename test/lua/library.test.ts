/** What Lua 5.2's library has and Lua 5.3's has not. */
import test from 'ava';
import { failureOf, lines } from './program.ts';

test('bit32 works on 32 bits without a sign, whatever the numbers', async (t) => {
  const printed = await lines(`
    print(bit32.band(), bit32.band(0xff, 0x3c, -1), bit32.bor(), bit32.bor(1, 2^31), bit32.bxor(5, 3, 1), bit32.bnot(0))
    print(bit32.band(-1), bit32.band(2^32 + 5), bit32.band(-2^33 - 1), bit32.band(-2^31), bit32.bnot(-1), bit32.btest(4, 6), bit32.btest(4, 3), bit32.btest())
    print(bit32.lshift(1, 31), bit32.lshift(1, 32), bit32.lshift(0xff, -4), bit32.rshift(0x80000000, 31), bit32.rshift(1, -3), bit32.rshift(1, 40))
    print(bit32.arshift(0x80000000, 4) == 0xf8000000, bit32.arshift(0x80000000, 99) == 0xffffffff, bit32.arshift(0x40000000, 40), bit32.arshift(1, -2))
    print(bit32.lrotate(0x80000001, 1), bit32.rrotate(1, 1), bit32.lrotate(1, -1), bit32.rrotate(3, 33) == 0x80000001, bit32.lrotate(7, 64))
    print(bit32.extract(0xabcd, 4, 8) == 0xbc, bit32.extract(0xffffffff, 31), bit32.extract(0xdeadbeef, 0, 32) == 0xdeadbeef)
    print(bit32.replace(0, 0xff, 4, 4), bit32.replace(0xffffffff, 0, 0, 32), bit32.replace(0, 3, 31) == 0x80000000)
    print(bit32.bxor(socket.INADDR_NONE, 0xff) == 0xffffff00, bit32.band("255", 15))
  `);

  t.deepEqual(printed, [
    '4294967295\t60\t0\t2147483649\t7\t4294967295',
    '4294967295\t5\t4294967295\t2147483648\t0\ttrue\tfalse\ttrue',
    '2147483648\t0\t15\t1\t8\t0',
    'true\ttrue\t0\t4',
    '3\t2147483648\t2147483648\ttrue\t7',
    'true\t1\ttrue',
    '240\t0\ttrue',
    'true\t15',
  ]);
});

test('bit32 tells fields that are none', async (t) => {
  t.regex(
    await failureOf('bit32.extract(1, -1)'),
    /^program\.lua:1: bad argument #2 to 'extract' \(field cannot be neg/,
  );
  t.regex(await failureOf('bit32.extract(1, 0, 0)'), /bad argument #3 to 'extract' \(width must be positive\)/);
  t.regex(await failureOf('bit32.extract(1, 30, 3)'), /trying to access non-existent bits/);
  t.regex(await failureOf('bit32.replace(1, 1, 32)'), /trying to access non-existent bits/);
  t.regex(await failureOf('bit32.band({})'), /bad argument #1 to 'band' \(number expected, got table\)/);
  t.regex(await failureOf('bit32.replace(1, 1, 3, -1)'), /bad argument #4 to 'replace' \(width must be positive\)/);
});

test('math has the functions that Lua 5.3 dropped', async (t) => {
  const printed = await lines(`
    print(math.pow(2, 10), math.pow(2, 0.5) == 2 ^ 0.5, math.log10(1000), math.cosh(0), math.sinh(0), math.tanh(0))
    print(math.ldexp(0.5, 4), math.atan2(0, -1) == math.pi)
    print(math.frexp(8), select(2, math.frexp(8)), math.frexp(0))
    print(math.frexp(-0.3), math.frexp(2^-1074), math.frexp(math.huge) == math.huge)
    print(math.frexp(2^1023), math.ldexp(math.frexp(12345.678)) == 12345.678, math.ldexp(0.5, -1073) == 2^-1074)
  `);

  t.deepEqual(printed, ['1024\ttrue\t3\t1\t0\t0', '8\ttrue', '0.5\t4\t0\t0', '-0.6\t0.5\ttrue', '0.5\ttrue\ttrue']);
});
