/**
 * The import rules of docs/architecture.md for dependency-cruiser: down only, never sideways between protocols, and from
 * outside only through the front doors. The compiler proves the rest: the core and the portable API have no Node types.
 */
const stack = '^src/stack/';
const only = (name, from, allowed, comment) => ({
  name,
  comment,
  severity: 'error',
  from: { path: from, pathNot: '\\.test\\.ts$' },
  to: { pathNot: allowed },
});

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'No file may need itself, types included.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'nothing-unresolved',
      severity: 'error',
      comment: 'Every import names something that is there; what is optional is loaded by name at run time.',
      from: {},
      to: { couldNotResolve: true },
    },
    only('base', `${stack}base/`, `${stack}base/`, 'The floor imports nothing outside of itself.'),
    only('wire', `${stack}wire/`, `${stack}(wire|base)/`, 'Formats know the floor and each other.'),
    only('ip', `${stack}ip/`, `${stack}(ip|wire|base)/`, 'A protocol never imports another one.'),
    only('icmp', `${stack}icmp/`, `${stack}(icmp|wire|base)/`, 'A protocol never imports another one.'),
    only('udp', `${stack}udp/`, `${stack}(udp|wire|base)/`, 'A protocol never imports another one.'),
    only('multicast', `${stack}multicast/`, `${stack}(multicast|wire|base)/`, 'A protocol never imports another one.'),
    only('raw', `${stack}raw/`, `${stack}(raw|wire|base)/`, 'A protocol never imports another one.'),
    only('tcp', `${stack}tcp/`, `${stack}(tcp|wire|base)/`, 'A protocol never imports another one.'),
    only('device', `${stack}device\\.ts$`, `${stack}base/`, 'The device contract knows the floor.'),
    only('core', `${stack}[^/]+\\.ts$`, stack, 'The core imports nothing outside of itself.'),
    only(
      'sim',
      '^src/sim/',
      '^src/sim/|^src/wasm/packet-memory\\.ts$|^src/stack/(index|runner)\\.ts$|^src/stack/base/(time|random)\\.ts$',
      'Through the front door.',
    ),
    only('wasm', '^src/wasm/', '^src/wasm/|^src/stack/index\\.ts$', 'Through the front door of the core.'),
    only(
      'threads',
      '^src/threads/',
      '^src/threads/|^(worker_threads)$|^node:',
      'Threads of Node, and nothing of ours.',
    ),
    only(
      'tun',
      '^src/tun/',
      '^src/tun/|^src/threads/|^src/stack/device\\.ts$|^node:|^(assert|child_process|events|fs|net|path|process|url|util|worker_threads)$|koffi',
      'A device and nothing of the stack.',
    ),
    only(
      'api',
      '^src/api/([^/]+|(options|ends|dns)/[^/]+)\\.ts$',
      '^src/api/([^/]+|(options|ends|dns)/[^/]+)\\.ts$|^src/wasm/packet-memory\\.ts$|^src/stack/index\\.ts$',
      'Portable: the front door of the core, and no Node.',
    ),
    only(
      'blocking',
      '^src/blocking/',
      '^src/blocking/|^src/api/index\\.ts$|^src/api/node/index\\.ts$|^src/threads/|^src/sim/index\\.ts$|^(v8|worker_threads)$|^node:',
      'The API for threads that sleep: the module, and the thread that turns its host.',
    ),
    only(
      'lua',
      '^src/lua/',
      '^src/lua/|^src/api/index\\.ts$|fengari',
      'The module in another language: the API and the interpreter.',
    ),
    only(
      'script',
      '^src/script/',
      '^src/script/|^src/(api|sim|stack)/index\\.ts$',
      'Portable: through the front doors of the API, the simulation and the core, and no Node.',
    ),
    {
      name: 'api-node',
      comment: 'The Node face may see the API, the TUN, the front door and Node itself.',
      severity: 'error',
      from: { path: '^src/api/node/' },
      to: { path: '^(src|tools|test|examples)/', pathNot: '^src/api/|^src/tun/index\\.ts$|^src/stack/index\\.ts$' },
    },
    {
      name: 'nobody-imports-tools',
      comment: 'Tests, tools and examples import anything; nothing imports them.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|tools|examples)/' },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'default'] },
  },
};
