/** What a Lua program sees of the module: how many values, of which kind, errors, coroutines. The examples are in examples.test.ts. */
import test from 'ava';
import { createSocketModule } from '../../src/api/index.ts';
import { LuaError, runLua } from '../../src/lua/index.ts';
import { ms, pair } from '../../src/sim/index.ts';

const octetsOf = (text: string): Uint8Array => Buffer.from(text, 'latin1');

/** Runs a program on 10.0.0.1, beside another on 10.0.0.2 if there is one; gives what each has printed, by lines. */
async function runBoth(program: string, peer = '', loss = 0): Promise<[here: string[], there: string[]]> {
  const { network, client, server } = pair({ seed: 11, link: { delay: ms(10), loss } });
  const run = async (host: typeof client, source: string, name: string): Promise<string[]> => {
    let printed = '';
    const output = (octets: Uint8Array): void => {
      printed += Buffer.from(octets).toString('latin1');
    };
    await runLua(octetsOf(source), createSocketModule(host), { name, output });
    return printed.split('\n').slice(0, -1);
  };
  return network.until(Promise.all([run(client, program, 'here.lua'), run(server, peer, 'there.lua')]));
}

const run = async (program: string): Promise<string[]> => (await runBoth(program))[0];

/** Why a program ends that does not end well. */
async function failureOf(program: string): Promise<string> {
  try {
    await run(program);
  } catch (error) {
    if (error instanceof LuaError) return error.message;
    throw error;
  }
  return 'it ended well';
}

test('a call that went well gives one value, or none where the document has none', async (t) => {
  const printed = await run(`
    local sock = socket.udp()
    local function count(...) return select("#", ...) end
    print(count(socket.udp()), count(sock:bind("", 80)), count(sock:getsockname()), count(sock:fileno()))
    print(count(sock:setoption(socket.SOL_SOCKET, socket.SO_BROADCAST, true)), count(sock:read(0)))
    print(count(sock:settimeout(1)), count(sock:setblocking(true)), count(sock:close()))
  `);

  t.deepEqual(printed, ['1\t1\t1\t1', '1\t1', '0\t0\t0']);
});

test('a call that has failed gives nil and the text; read gives an empty string and the text', async (t) => {
  const printed = await run(`
    local sock = socket.tcp()
    local function show(...) print(select("#", ...), ...) end
    show(socket.socket(99, socket.SOCK_STREAM))
    show(socket.getaddrinfo("nowhere", 80))
    show(sock:connect("10.0.0.2", 81))
    show(sock:bind("10.9.9.9", 0))
    show(sock:accept())
    show(sock:getpeername())
    show(sock:shutdown(7))
    show(sock:getoption(socket.SOL_SOCKET, 9999))
    show(sock:read(10))
    sock:close()
    show(sock:write("x"))
    show(sock:read(10))
  `);

  t.deepEqual(printed, [
    '2\tnil\tAddress family not supported by protocol',
    '2\tnil\tName or service not known',
    '2\tnil\tConnection refused',
    '2\tnil\tCannot assign requested address',
    '2\tnil\tInvalid argument',
    '2\tnil\tTransport endpoint is not connected',
    '2\tnil\tInvalid argument',
    '2\tnil\tProtocol not available',
    '2\t\tTransport endpoint is not connected',
    '2\tnil\tBad file descriptor',
    '2\t\tBad file descriptor',
  ]);
});

test('an empty datagram is an empty string without an error', async (t) => {
  const printed = await run(`
    local sock = socket.udp()
    sock:bind("127.0.0.1", 9)
    sock:connect("127.0.0.1", 9)
    print(sock:write(""))
    local data, err = sock:read(10)
    print(#data, err)
  `);

  t.deepEqual(printed, ['0', '0\tnil']);
});

test('a write that has ended too early tells how much had been taken, and so much arrives', async (t) => {
  const peer = `
    local listener = socket.tcp()
    listener:setoption(socket.SOL_SOCKET, socket.SO_RCVBUF, 10000)
    listener:bind("", 7)
    listener:listen(1)
    local sock = listener:accept()
    local wait = socket.udp()
    wait:settimeout(5)
    wait:read(1)
    local count = 0
    repeat
      local data, err = sock:read(65536)
      count = count + #data
    until err
    print(count)
  `;
  const program = `
    local sock = socket.tcp()
    sock:setoption(socket.SOL_SOCKET, socket.SO_SNDBUF, 10000)
    sock:connect("10.0.0.2", 7)
    sock:settimeout(1)
    local value, err, taken = sock:write(("x"):rep(200000))
    print(value, err == socket.ERROR_TIMEOUT, taken > 0 and taken < 200000)
    print(taken)
    sock:close()
  `;
  const [here, there] = await runBoth(program, peer);

  t.is(here[0], 'nil\ttrue\ttrue');
  t.is(there[0], here[1]);
});

test('two programs over a link that loses a fifth of all packets get every octet through', async (t) => {
  const octets = `
    local parts, state = {}, 12345
    for index = 1, 20000 do
      state = (state * 1103 + 12345) % 65536
      parts[index] = string.char(state // 256)
    end
    local all = table.concat(parts)
  `;
  const peer = `
    ${octets}
    local listener = socket.tcp()
    listener:bind("", 7)
    listener:listen(1)
    local sock = listener:accept()
    local got, data, err = {}
    repeat
      data, err = sock:read(4096)
      got[#got + 1] = data
    until err
    print(err, table.concat(got) == all)
    sock:write("got it")
    sock:close()
  `;
  const program = `
    ${octets}
    local sock = socket.tcp()
    print(sock:connect("10.0.0.2", 7))
    print(sock:write(all))
    sock:shutdown(socket.SHUT_WR)
    print(sock:read(100))
    print(sock:read(100))
    sock:close()
  `;
  const [here, there] = await runBoth(program, peer, 0.2);

  t.deepEqual(there, ['Connection closed\ttrue']);
  t.deepEqual(here, ['true', '20000', 'got it', '\tConnection closed']);
});

test('sockets print as <socket: N>, and are equal when they are the same', async (t) => {
  const printed = await run(`
    local one, two = socket.udp(), socket.udp()
    one:bind("127.0.0.1", 9)
    two:sendto("x", "127.0.0.1", 9)
    local ready = socket.select({ two, one })
    print(one, tostring(two), #ready, ready[1] == one, ready[1] == two)
    one:close()
    print(one, one:fileno())
  `);

  t.deepEqual(printed, ['<socket: 3>\t<socket: 4>\t1\ttrue\tfalse', '<socket: -1>\t-1']);
});

test('select takes sockets and numbers, and gives back what it was given', async (t) => {
  const printed = await run(`
    local sock = socket.udp()
    local readers, writers, others = socket.select(nil, { sock:fileno(), sock }, nil, 0)
    print(#readers, #writers, #others, writers[1], writers[2])
    print(socket.select({ 77 }))
    print(pcall(socket.select, { true }) == false, pcall(socket.select, 5) == false)
  `);

  t.deepEqual(printed, ['0\t2\t0\t3\t<socket: 3>', 'nil\tBad file descriptor', 'true\ttrue']);
});

test('getaddrinfo gives a list of tables', async (t) => {
  const printed = await run(`
    local infos = socket.getaddrinfo("::1", "http", 0, socket.SOCK_STREAM)
    local info = infos[1]
    print(#infos, info.family == socket.AF_INET6, info.socktype == socket.SOCK_STREAM, info.protocol)
    print(info.addr, info.port, info.canonname == "", #info.sockaddr, info.sockaddr[1], info.sockaddr[2])
  `);

  t.deepEqual(printed, ['1\ttrue\ttrue\t6', '::1\t80\ttrue\t4\t::1\t80']);
});

test('options are booleans, numbers, texts and tables', async (t) => {
  const printed = await run(`
    local sock = socket.tcp()
    print(sock:getoption(socket.IPPROTO_TCP, socket.TCP_NODELAY))
    print(sock:setoption(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1))
    print(sock:getoption(socket.IPPROTO_TCP, socket.TCP_NODELAY))
    print(sock:setoption(socket.SOL_SOCKET, socket.SO_LINGER, { onoff = true, linger = 3 }))
    local linger = sock:getoption(socket.SOL_SOCKET, socket.SO_LINGER)
    print(linger.onoff, linger.linger)
    print(sock:setoption(socket.IPPROTO_TCP, socket.TCP_CONGESTION, "reno"))
    print(sock:getoption(socket.IPPROTO_TCP, socket.TCP_CONGESTION))
    print(sock:setoption(socket.IPPROTO_TCP, socket.TCP_KEEPALIVE, 30))
    print(sock:getoption(socket.IPPROTO_TCP, socket.TCP_KEEPALIVE))
  `);

  t.deepEqual(printed, ['false', 'true', 'true', 'true', 'true\t3', 'true', 'reno', 'true', '30']);
});

test('addresses in host order work as numbers, ports as texts', async (t) => {
  const printed = await run(`
    local server, client = socket.udp(), socket.udp()
    print(server:bind(socket.INADDR_LOOPBACK, "7"))
    print(client:connect(socket.INADDR_LOOPBACK, "echo"))
    local peer = client:getpeername()
    print(#peer, peer[1], peer[2])
  `);

  t.deepEqual(printed, ['true', 'true', '2\t127.0.0.1\t7']);
});

test('sockets of AF_UNIX have paths for names', async (t) => {
  const printed = await run(`
    local listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    print(listener:bind("/run/post"), listener:listen(1))
    local client = socket.tcp()
    print(client:connect("unix:/run/post"))
    local server = listener:accept()
    client:write("by path")
    print(server:read(100), client:getpeername(), client:getsockname() == "", server:getsockname())
  `);

  t.deepEqual(printed, ['true\ttrue', 'true', 'by path\t/run/post\ttrue\t/run/post']);
});

test("coroutines that wait in turn get each other's time, in the order in which they are resumed", async (t) => {
  const printed = await run(`
    local function waiter(name)
      return coroutine.wrap(function()
        local sock = socket.udp()
        sock:settimeout(0.1)
        for count = 1, 2 do
          local _, err = sock:read(1)
          coroutine.yield(name .. count .. (err == socket.ERROR_TIMEOUT and "" or " " .. err))
        end
      end)
    end
    local a, b = waiter("a"), waiter("b")
    print(a(), b(), a(), b())
  `);

  t.deepEqual(printed, ['a1\tb1\ta2\tb2']);
});

test('a call waits through coroutines in coroutines, whose own yields and values stay theirs', async (t) => {
  const printed = await run(`
    local sock = socket.udp()
    sock:settimeout(0.1)
    local outer = coroutine.wrap(function(given)
      local inner = coroutine.wrap(function(more)
        local _, err = sock:read(1)
        local answer = coroutine.yield(more .. err)
        sock:read(1)
        return answer .. "!"
      end)
      coroutine.yield(inner("inner: "))
      return inner(given)
    end)
    print(outer("given"))
    print(outer())
    local function deep(left)
      if left == 0 then return select(2, sock:read(1)) end
      return (coroutine.wrap(deep)(left - 1))
    end
    print(deep(30))
  `);

  t.deepEqual(printed, ['inner: Operation timed out', 'given!', 'Operation timed out']);
});

test('while a call waits in it, a coroutine is running; afterwards it is dead, and says so', async (t) => {
  const printed = await run(`
    local sock = socket.udp()
    sock:settimeout(0.1)
    local thread
    thread = coroutine.create(function()
      sock:read(1)
      return coroutine.running() == thread, coroutine.status(thread)
    end)
    print(coroutine.resume(thread))
    print(coroutine.status(thread))
    print(coroutine.resume(thread))
  `);

  t.deepEqual(printed, ['true\ttrue\trunning', 'dead', 'false\tcannot resume dead coroutine']);
});

test('errors after a wait are caught where they should be: in pcall, xpcall, resume and wrap', async (t) => {
  const printed = await run(`
    local sock = socket.udp()
    sock:settimeout(0.1)
    local function late(what) sock:read(1) error(what, 0) end
    print(pcall(late, "one"))
    print(xpcall(late, function(what) return "handled " .. what end, "two"))
    print(coroutine.resume(coroutine.create(late), "three"))
    local isFine, what = pcall(coroutine.wrap(late), { code = 4 })
    print(isFine, type(what), what.code)
  `);

  t.deepEqual(printed, ['false\tone', 'false\thandled two', 'false\tthree', 'false\ttable\t4']);
});

test('calls wait in metamethods and iterators as well', async (t) => {
  const printed = await run(`
    local sock = socket.udp()
    sock:settimeout(0.1)
    local lazy = setmetatable({}, { __index = function() return select(2, sock:read(1)) end })
    print(lazy.anything)
    for value in function(_, last) if not last then return select(2, sock:read(1)) end end do print(value) end
  `);

  t.deepEqual(printed, ['Operation timed out', 'Operation timed out']);
});

test('wrong arguments are told with the method, the place of the argument, and the line', async (t) => {
  const sock = 'local sock = socket.tcp()\n';

  t.regex(await failureOf(`${sock}sock:read()`), /^here\.lua:2: bad argument #1 to 'read' \(number expected, got no /);
  t.regex(
    await failureOf(`${sock}sock:write({})`),
    /^here\.lua:2: bad argument #1 to 'write' \(string expected, got t/,
  );
  t.regex(await failureOf(`${sock}sock:connect({}, 1)`), /^here\.lua:2: bad argument #1 to 'connect' \(string, number/);
  t.regex(
    await failureOf(`${sock}sock:setblocking()`),
    /^here\.lua:2: bad argument #1 to 'setblocking' \(boolean or n/,
  );
  t.regex(await failureOf(`${sock}sock:setoption(1, 2)`), /^here\.lua:2: bad argument #3 to 'setoption' \(value expec/);
  t.regex(await failureOf('\n\nsocket.socket("x", 1)'), /^here\.lua:3: bad argument #1 to 'socket' \(number expected/);
  t.regex(await failureOf(`${sock}sock.read({}, 5)`), /^here\.lua:2: bad argument #1 to 'read' \(tundra\.socket expe/);
});

test('an error after a wait tells its line and the functions that it came through', async (t) => {
  const failure = await failureOf(`local function late()
  local sock = socket.udp()
  sock:settimeout(0.1)
  sock:read(1)
  error("too late")
end
late()`);

  t.regex(failure, /^here\.lua:5: too late\nstack traceback:\n/);
  t.regex(failure, /here\.lua:5: in .*late/);
  t.regex(failure, /here\.lua:7: in main chunk/);
});

test('an error may be any value: one that can say what it is does', async (t) => {
  const speaking = 'error(setmetatable({}, { __tostring = function() return "my own words" end }))';

  t.regex(await failureOf(speaking), /^my own words\n/);
  t.regex(await failureOf(speaking.replace('return', 'socket.getaddrinfo("127.0.0.1") return')), /^my own words\n/);
  t.regex(await failureOf(speaking.replace('return', 'error("worse", 0)')), /^worse\nstack traceback:\n/);
  t.regex(await failureOf(speaking.replace('return', 'coroutine.yield()')), /^here\.lua:1: attempt to yield from out/);
  t.regex(await failureOf(speaking.replace('return', 'error({})')), /^error in error handling\n/);
  t.regex(await failureOf('error("bare", 0)'), /^bare\n/);
  t.regex(await failureOf('error()'), /^nil\n/);
});

test('a first line for the shell is passed over, and lines keep their numbers', async (t) => {
  t.deepEqual(await run('#!/usr/bin/env lua\nprint("ran")'), ['ran']);
  t.regex(await failureOf('#!/usr/bin/env lua\nerror("second")'), /^here\.lua:2: second\n/);
  t.deepEqual(await run('#!/usr/bin/env lua'), []);
});

test('arg has the name of the program at 0', async (t) => {
  t.deepEqual(await run('print(arg[0], #arg)'), ['here.lua\t0']);
});

test('programs do not see the globals of others', async (t) => {
  const [here, there] = await runBoth('mine = 1 print(mine, yours)', 'yours = 2 print(mine, yours)');

  t.deepEqual([here, there], [['1\tnil'], ['nil\t2']]);
});
