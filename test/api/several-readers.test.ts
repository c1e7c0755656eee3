/** 1.8: several calls that wait on one socket, and sizes that are none. */
import test from 'ava';
import { createSocketModule } from '../../src/api/index.ts';
import { ms, pair } from '../../src/sim/index.ts';

const text = (data: Uint8Array): string => new TextDecoder().decode(data);

for (const type of ['SOCK_DGRAM', 'SOCK_STREAM'] as const) {
  test(`1.8, 1.10: of two that read, the second waits on when the first was served (${type})`, async (t) => {
    const { network, client, server } = pair({ link: { delay: ms(10) } });
    const [here, there] = [createSocketModule(client), createSocketModule(server)];
    const [own] = there.socket(there.AF_INET, there[type]);
    await own!.bind('', 7);
    const [peer] = here.socket(here.AF_INET, here[type]);
    if (type === 'SOCK_STREAM') own!.listen(1);
    await network.until(peer!.connect('10.0.0.2', 7));
    const reader = type === 'SOCK_STREAM' ? (await network.until(own!.accept()))[0]! : own!;
    reader.settimeout(5);
    const [first, second] = [reader.read(100), reader.read(100)];
    await peer!.write('one');
    t.is(text((await network.until(first))[0]), 'one');
    await network.until(network.sleep(ms(100)));
    await peer!.write('two');

    t.is(text((await network.until(second))[0]), 'two');
  });
}

test('1.8: a size that is none throws, and nothing is lost', async (t) => {
  const { network, client, server } = pair();
  const [here, there] = [createSocketModule(client), createSocketModule(server)];
  const [reader] = there.udp();
  await reader!.bind('', 7);
  const [writer] = here.udp();
  await writer!.sendto('whole', '10.0.0.2', 7);
  network.run(ms(1));

  await t.throwsAsync(reader!.read(-1), { instanceOf: RangeError });
  await t.throwsAsync(reader!.read(Number.NaN), { instanceOf: TypeError });
  await t.throwsAsync(reader!.read('5' as never), { instanceOf: TypeError });
  await t.throwsAsync(reader!.recvfrom(1.5), { instanceOf: RangeError });
  t.is(text((await network.until(reader!.read(100)))[0]), 'whole');
});
