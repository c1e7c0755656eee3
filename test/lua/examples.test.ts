/** The Lua examples: each says behind `-->` what its lines print, and prints that. `\` stands for what cannot be seen at the beginning. */
import { readdirSync, readFileSync } from 'node:fs';
import test from 'ava';
import { createSocketModule } from '../../src/api/index.ts';
import { LuaError, runLua } from '../../src/lua/index.ts';
import { ms, Network } from '../../src/sim/index.ts';

const folder = new URL('../../examples/lua/', import.meta.url);
const names = readdirSync(folder).filter((name) => name.endsWith('.lua') && name !== 'echo-server.lua');

/** Runs a program on a host named 'here', beside the echo server on a host named 'there'. */
async function output(name: string): Promise<string[]> {
  const network = new Network({ seed: 3 });
  const [here, there] = [network.host('here'), network.host('there')];
  network.link(here, ['10.0.0.1/24', 'fd00::1/64'], there, ['10.0.0.2/24', 'fd00::2/64'], {
    delay: ms(10),
    loss: 0.05,
  });
  const hosts = { here: '10.0.0.1', there: '10.0.0.2' };
  let printed = '';
  const decoder = new TextDecoder();
  const program = (file: string): Uint8Array => readFileSync(new URL(file, folder));
  const server = runLua(program('echo-server.lua'), createSocketModule(there), { output: () => {} });
  server.catch(() => {});
  const client = runLua(program(name), createSocketModule(here, { hosts }), {
    name,
    output: (octets) => {
      printed += decoder.decode(octets);
    },
  });
  await network.until(client);
  return printed.trimEnd().split('\n');
}

for (const name of names) {
  test(`examples/lua/${name} prints what it says`, async (t) => {
    const source = readFileSync(new URL(name, folder), 'utf8');
    const expected = [...source.matchAll(/--> (.*)$/gm)].map(([, text]) => text!.replace(/^\\/, ''));

    t.true(expected.length > 0);
    t.deepEqual(await output(name), expected);
  });
}

test('an error that a program does not catch tells its file, its line and how it came there', async (t) => {
  const network = new Network();
  const module = createSocketModule(network.host('alone'));
  const source = new TextEncoder().encode(
    'local function f()\n  local x = nil\n  return x.y\nend\nlocal r = f()\nprint(r)',
  );
  const failure = await t.throwsAsync(runLua(source, module, { name: 'bad.lua', output: () => {} }), {
    instanceOf: LuaError,
  });

  t.regex(failure!.message, /^bad\.lua:3: attempt to index a nil value \(local 'x'\)\nstack traceback:\n/);
  t.regex(failure!.message, /bad\.lua:5: in main chunk/);
});

test('a program that is none says where', async (t) => {
  const module = createSocketModule(new Network().host('alone'));
  const source = new TextEncoder().encode('#!/usr/bin/lua\nx = = 1');
  const failure = await t.throwsAsync(runLua(source, module, { name: 'bad.lua', output: () => {} }), {
    instanceOf: LuaError,
  });

  t.is(failure!.message, "bad.lua:2: unexpected symbol near '='");
});

/** Runs a program by itself on a host without links. */
async function run(program: string, args: readonly string[] = []): Promise<string> {
  const network = new Network();
  const module = createSocketModule(network.host('alone'), { hosts: { self: '127.0.0.1' } });
  const pieces: Uint8Array[] = [];
  const source = Buffer.from(program, 'latin1');
  await network.until(runLua(source, module, { args, output: (octets) => void pieces.push(octets) }));
  return Buffer.concat(pieces).toString('latin1');
}

test('strings are octets: all 256 values go through a socket as they are', async (t) => {
  const printed = await run(`
    local all = {}
    for octet = 0, 255 do all[#all + 1] = string.char(octet) end
    local text = table.concat(all)
    local a, b = socket.udp(), socket.udp()
    b:bind("127.0.0.1", 5000)
    a:sendto(text, "127.0.0.1", 5000)
    local got = b:read(1000)
    print(#got, got == text)
    io.write(got)
  `);

  t.is(printed, `256\ttrue\n${Buffer.from(Uint8Array.from({ length: 256 }, (_, octet) => octet)).toString('latin1')}`);
});

test("calls that wait do so inside a program's own coroutines, pcall and iterators as well", async (t) => {
  const printed = await run(`
    local a, b = socket.udp(), socket.udp()
    b:bind("127.0.0.1", 5000)
    a:connect("127.0.0.1", 5000)
    local lines = coroutine.wrap(function()
      for count = 1, 2 do
        a:write("line " .. count)
        coroutine.yield(b:read(100))
      end
    end)
    print(lines(), lines())
    local inner = coroutine.create(function(first)
      local ok, err = pcall(function() b:settimeout(0.1) local _, why = b:read(1) error(why, 0) end)
      return first, ok, err, coroutine.yield("half")
    end)
    print(coroutine.resume(inner, "one"))
    print(coroutine.resume(inner, "two"))
    print(coroutine.status(inner), coroutine.resume(inner))
    print(pcall(coroutine.wrap(function() b:read(1) error("inside", 0) end)))
  `);

  t.is(
    printed,
    'line 1\tline 2\ntrue\thalf\ntrue\tone\tfalse\tOperation timed out\ttwo\ndead\tfalse\tcannot resume dead coroutine\nfalse\tinside\n',
  );
});

test('wrong arguments are errors of the program, which it can catch', async (t) => {
  const printed = await run(`
    local sock = socket.tcp()
    print(pcall(sock.connect, sock, {}, 80))
    print(pcall(sock.connect, sock, "127.0.0.1", 99999))
    print(pcall(sock.read, sock))
    print(pcall(sock.read, {}, 5))
    print(pcall(sock.settimeout, sock, 0/0))
    print(sock:fileno())
  `);

  t.deepEqual(
    printed.split('\n').map((line) => line.split('\t')[0]),
    ['false', 'false', 'false', 'false', 'false', '3', ''],
  );
  t.regex(printed, /port 99999 is not 0 to 65535/);
});

test('print, io.write and io.output():write go where the caller wants, and arg is there', async (t) => {
  const printed = await run(
    `print(arg[1], #arg) io.write("a", 1, "b"):write("c\\n") io.output():write("d\\n") io.stdout:write("e\\n")`,
    ['x', 'y'],
  );

  t.is(printed, 'x\t2\na1bc\nd\ne\n');
});

/** The first example of the documented module, as it stands there. */
const firstExample = `
    sock = socket.tcp()
    local ok, err = sock:connect("www.google.com", 80)
    if err then
        print(err)
    end
    sock:write("GET / HTTP/1.1\\r\\n")
    sock:write("\\r\\n")
    sock:settimeout(1)
    io.output():write(sock:read(1024))
    sock:close()
`;

test('the first example of the document runs as it stands: it fetches a page, or prints why it cannot', async (t) => {
  const network = new Network({ seed: 5 });
  const [here, there] = [network.host('here'), network.host('there')];
  network.link(here, '10.0.0.1/24', there, '10.0.0.2/24', { delay: ms(20), loss: 0.02 });
  const server = runLua(
    new TextEncoder().encode(`
      local listener = socket.tcp()
      listener:bind("", 80)
      listener:listen(1)
      local visitor = listener:accept()
      local request = ""
      while not request:find("\\r\\n\\r\\n", 1, true) do request = request .. visitor:read(1024) end
      visitor:write("HTTP/1.1 200 OK\\r\\n\\r\\n" .. #request .. " octets asked for this")
      visitor:close()
    `),
    createSocketModule(there),
    { output: () => {} },
  );
  let printed = '';
  const output = (octets: Uint8Array): void => {
    printed += new TextDecoder().decode(octets);
  };
  const source = new TextEncoder().encode(firstExample);
  const hosts = { 'www.google.com': '10.0.0.2' };
  await network.until(runLua(source, createSocketModule(here, { hosts }), { output }));
  await network.until(server);

  t.is(printed, 'HTTP/1.1 200 OK\r\n\r\n18 octets asked for this');
  printed = '';
  await network.until(runLua(source, createSocketModule(here), { output }));
  t.is(printed, 'Name or service not known\nTransport endpoint is not connected');
});
