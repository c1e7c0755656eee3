/** Strings of Lua are octets, also where ours are texts: names of hosts, paths, messages. */
import test from 'ava';
import { createSocketModule } from '../../src/api/index.ts';
import { runLua } from '../../src/lua/index.ts';
import { octetsOf, textOf } from '../../src/lua/octets.ts';
import { Network } from '../../src/sim/index.ts';
import { failureOf, lines, outcome } from './program.ts';

test('all strings of octets become texts of their own, and come back; UTF-8 becomes what it says', (t) => {
  const strings = [
    ...Array.from({ length: 256 }, (_, octet) => [octet]),
    ...[
      [0xc3, 0xbc],
      [0xbc, 0xc3],
      [0xe2, 0x82, 0xac],
      [0xe2, 0x82],
      [0xf0, 0x9f, 0x98, 0x80],
    ],
    ...[
      [0xc0, 0x80],
      [0xed, 0xa0, 0x80],
      [0xed, 0xb2, 0x80],
      [0xf4, 0x90, 0x80, 0x80],
      [0x61, 0xff, 0xc3, 0xbc, 0x62],
    ],
  ].map((octets) => Uint8Array.from(octets));
  const texts = strings.map(textOf);

  t.is(new Set(texts).size, strings.length);
  t.deepEqual(texts.map(octetsOf), strings);
  t.is(textOf(Buffer.from('ü€😀')), 'ü€😀');
});

test('1.11 names that are no UTF-8 are not found', async (t) => {
  const printed = await lines(`
    print(socket.getaddrinfo("\\xff", 80))
    print(socket.getaddrinfo("self", "\\xc3"))
    print(socket.tcp():connect("\\xff\\xfe", 80))
    print(socket.tcp():bind("caf\\xe9", 80))
    print(socket.udp():sendto("x", "caf\\xe9", 80))
  `);

  t.deepEqual(printed, [
    'nil\tName or service not known',
    'nil\tServname not supported for ai_socktype',
    'nil\tName or service not known',
    'nil\tName or service not known',
    'nil\tName or service not known',
  ]);
});

test('1.4 paths and abstract names of AF_UNIX are octets, of which each counts', async (t) => {
  const { printed } = await outcome(`
    local function datagram() return socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) end
    for _, name in ipairs { "/tmp/\\xff", "\\0abstract\\xff\\0", "\\xc3", "\\xc3\\xbc" } do
      local one, other, client = datagram(), datagram(), datagram()
      assert(one:bind(name))
      assert(other:bind(name .. "\\xfe"))
      assert(client:bind("client\\x80" .. name:sub(2)))
      assert(client:connect(name))
      client:write("x")
      local data, from = one:recvfrom(10)
      print(one:getsockname() == name, client:getpeername() == name, from[1] == client:getsockname(), data)
      print(client:sendto("y", name .. "\\xfe"), other:read(10), (datagram():bind(name)))
    end
  `);

  t.is(printed, 'true\ttrue\ttrue\tx\n1\ty\tnil\n'.repeat(4));
});

test('1.4 a path of UTF-8 is the path that other programs of the host see', async (t) => {
  const network = new Network();
  const module = createSocketModule(network.host('alone'));
  const [sock] = module.socket(module.AF_UNIX, module.SOCK_DGRAM);
  await network.until(sock!.bind('/tmp/größe'));
  let printed = '';
  const output = (octets: Uint8Array): void => {
    printed += Buffer.from(octets).toString();
  };
  const source = Buffer.from(`
    local sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    print(sock:connect("/tmp/größe"), sock:getpeername())`);
  await network.until(runLua(source, module, { output }));

  t.is(printed, 'true\t/tmp/größe\n');
});

test('errors of a program may be any octets, and messages may have percent signs', async (t) => {
  t.regex(await failureOf('error("\\xff", 0)'), /^\udcff\n/);
  t.regex(await failureOf('socket.tcp():bind("", "%s%d")\nerror("on", 0)'), /^on\n/);
  t.regex(await failureOf('io.lines("%s")'), /%s: this program has been given no files/);
});
