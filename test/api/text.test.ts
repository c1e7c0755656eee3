/** 1.1: reading text. */
import test from 'ava';
import { createSocketModule, type Socket } from '../../src/api/index.ts';
import { pair } from '../../src/sim/index.ts';
import { connected } from '../helpers/connected.ts';

test('1.1: readString gives UTF-8 as text, and ERROR_CLOSED at the end', async (t) => {
  const { network, there, writer, reader } = await connected();
  await network.until(writer.write('grüß Gott, 世界 🌍'));
  writer.close();

  t.deepEqual(await network.until(reader.readString(100)), ['grüß Gott, 世界 🌍', null]);
  t.deepEqual(await network.until(reader.readString(100)), ['', there.ERROR_CLOSED]);
});

test('1.1: a letter that the reads of a stream cut is given when it is whole', async (t) => {
  const { network, writer, reader } = await connected();
  await network.until(writer.write('a🌍b'));
  const letters: string[] = [];
  while (letters.join('') !== 'a🌍b') letters.push((await network.until(reader.readString(1)))[0]);

  t.deepEqual(letters, ['a', '🌍', 'b'], 'nothing comes before it is whole');
});

test('1.1: a letter that stays cut is U+FFFD at the end of the stream, and not before', async (t) => {
  const { network, there, writer, reader } = await connected();
  await network.until(writer.write(Uint8Array.of(0x78, 0xf0, 0x9f)));
  t.deepEqual(await network.until(reader.readString(100)), ['x', null]);
  reader.settimeout(1);
  t.deepEqual(await network.until(reader.readString(100)), ['', there.ERROR_TIMEOUT]);
  writer.close();

  t.deepEqual(await network.until(reader.readString(100)), ['\ufffd', there.ERROR_CLOSED]);
});

test('1.1: readString with latin1 gives a letter for each octet, whatever they are', async (t) => {
  const { network, writer, reader } = await connected();
  const all = Uint8Array.from({ length: 10_000 }, (_, index) => index & 0xff);
  await network.until(writer.write(all));
  let text = '';
  while (text.length < all.length) text += (await network.until(reader.readString(6000, 'latin1')))[0];

  t.deepEqual(
    [...text].map((letter) => letter.charCodeAt(0)),
    [...all],
  );
});

test('1.1: each datagram is a text by itself', async (t) => {
  const { network, client, server } = pair();
  const [here, there] = [createSocketModule(client), createSocketModule(server)];
  const [receiver] = there.udp();
  await receiver!.bind('', 7);
  const [sender] = here.udp();
  for (const octets of [[0x61, 0xc3], [0xa9], []]) await sender!.sendto(Uint8Array.from(octets), '10.0.0.2', 7);

  const next = (): Promise<unknown> => network.until(receiver!.readString(100));
  t.deepEqual(
    [await next(), await next(), await next()],
    [
      ['a\ufffd', null],
      ['\ufffd', null],
      ['', null],
    ],
  );
});

test('1.1: readString of nothing gives nothing at once; another encoding is a mistake', async (t) => {
  const { reader } = await connected();
  t.deepEqual(await reader.readString(0), ['', null]);
  await t.throwsAsync(reader.readString(1, 'utf-16' as never), { instanceOf: RangeError, message: /encoding/ });
  await t.throwsAsync(reader.readString(1, 5 as never), { instanceOf: TypeError, message: /encoding/ });
  await t.throwsAsync(reader.readString('1' as never), { instanceOf: TypeError, message: /maxsize/ });
});

test('1.1: readString on a closed socket is EBADF', async (t) => {
  const { reader } = await connected();
  (reader as Socket).close();
  t.deepEqual(await reader.readString(1), ['', 'Bad file descriptor']);
});
