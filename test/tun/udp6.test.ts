/** Datagrams over IPv6 between a server of ours and the kernel's nc. */
import test from 'ava';
import { inNamespace, whyNoCommand, whyNoTun } from './namespace.ts';

const reason = whyNoTun() ?? whyNoCommand('nc');
if (reason !== undefined) console.warn(`THE TESTS OF DATAGRAMS OVER IPV6 ON A TUN DID NOT RUN: ${reason}`);

test.serial("an AF_INET6 UDP server answers the kernel's nc, each from its own port", async (t) => {
  if (reason !== undefined) {
    t.log(`did not run: ${reason}`);
    t.pass();
    return;
  }
  await inNamespace(async (namespace) => {
    const server = namespace.start(process.execPath, ['--import=tsx', 'test/tun/children/udp6-server.ts']);
    await server.says(/serving/);
    const words = ['good morning', 'how are you', 'goodbye'];
    for (const word of words) {
      const { stdout } = await namespace.run('nc', ['-6', '-u', '-w', '1', 'fd85::2', '5000'], { input: word });
      t.is(stdout.toString(), word.toUpperCase());
    }
    const { code, stdout } = await server.ended;
    t.is(code, 0); // it ends by itself: all is closed
    const clients = stdout
      .toString()
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => JSON.parse(line) as [string, number]);
    t.deepEqual(
      clients.map(([host]) => host),
      ['fd85::1', 'fd85::1', 'fd85::1'],
    );
    t.true(clients.every(([, port]) => port > 1023));
  });
});
