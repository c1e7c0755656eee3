/** Sockets as values of Lua: one for each, and none kept that the program has lost. */
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import test from 'ava';
import { lines, outcome } from './program.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Lets the collector run, and what it calls, between two events of virtual time. */
async function collected(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) {
    collect();
    await setImmediate();
  }
}

test('1.9 sockets that a program has lost are collected, and their numbers are free again', async (t) => {
  const { printed } = await outcome(
    `
    local kept = socket.udp()
    kept:settimeout(1)
    local function lose() for _ = 1, 50 do socket.udp():setblocking(false) end end
    lose()
    for _ = 1, 4 do kept:read(1) end
    print(kept, socket.udp())
  `,
    {},
    { breathe: collected },
  );

  t.is(printed, '<socket: 3>\t<socket: 4>\n');
});

test('1.9 sockets that a program has closed leave nothing behind', async (t) => {
  const sizes: number[] = [];
  const output = (): void => void sizes.push(heap());
  await outcome(
    `
    local wait = socket.udp()
    wait:settimeout(1)
    print()
    for _ = 1, 20000 do socket.udp():close() end
    wait:read(1)
    print()
  `,
    { output },
    { breathe: collected },
  );
  const [before, after] = sizes as [number, number];

  t.true(after - before < 4_000_000, `${after - before} octets for 20,000 sockets`);
});

function heap(): number {
  collect();
  return process.memoryUsage().heapUsed;
}

test('1.12 select gives back the very values that it was given', async (t) => {
  const printed = await lines(`
    local one, two = socket.udp(), socket.udp()
    local names = { [one] = "one", [two] = "two" }
    local _, writers = socket.select(nil, { two, one }, nil, 0)
    print(names[writers[1]], names[writers[2]], rawequal(writers[1], two))
    print(rawequal(one, two), one == two, one ~= one)
  `);

  t.deepEqual(printed, ['two\tone\ttrue', 'false\tfalse\tfalse']);
});

test('1.6 what accept has given is the same value for select', async (t) => {
  const printed = await lines(`
    local listener, client = socket.tcp(), socket.tcp()
    listener:bind("127.0.0.1", 80)
    listener:listen(1)
    client:connect("127.0.0.1", 80)
    local accepted = listener:accept()
    client:write("x")
    local kept = { [accepted] = "kept" }
    print(kept[socket.select({ accepted })[1]])
  `);

  t.deepEqual(printed, ['kept']);
});
