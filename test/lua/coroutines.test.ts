/** The main program is no coroutine to the program, though it is one to us. */
import test from 'ava';
import { failureOf, lines } from './program.ts';

test('coroutine.running says of the main program that it is main, and it cannot yield', async (t) => {
  const printed = await lines(`
    local main, isMain = coroutine.running()
    print(type(main), isMain, coroutine.isyieldable(), coroutine.status(main))
    coroutine.wrap(function()
      local own, isMain = coroutine.running()
      print(own ~= main, isMain, coroutine.isyieldable(), coroutine.status(main), coroutine.status(own))
    end)()
    print(pcall(coroutine.yield, 1))
    print(coroutine.resume(main))
    print(main == coroutine.running())
  `);

  t.deepEqual(printed, [
    'thread\ttrue\tfalse\trunning',
    'true\tfalse\ttrue\tnormal\trunning',
    'false\tattempt to yield from outside a coroutine',
    'false\tcannot resume non-suspended coroutine',
    'true',
  ]);
  t.regex(await failureOf('\ncoroutine.yield(1)'), /^program\.lua:2: attempt to yield from outside a coroutine\n/);
});

test('after a wait the main program is still main', async (t) => {
  const printed = await lines(`
    local sock = socket.udp()
    sock:settimeout(0.1)
    sock:read(1)
    print(select(2, coroutine.running()), coroutine.isyieldable())
  `);

  t.deepEqual(printed, ['true\tfalse']);
});
