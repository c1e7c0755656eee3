/** 1.10: reading into a buffer of the caller's. */
import test from 'ava';
import { createSocketModule } from '../../src/api/index.ts';
import { pair } from '../../src/sim/index.ts';
import { connected } from '../helpers/connected.ts';

const text = (buffer: Uint8Array, count: number | null): string => new TextDecoder().decode(buffer.subarray(0, count!));

test('1.10: recvInto gives what has come, as much as fits, and leaves the rest for the next call', async (t) => {
  const { network, writer, reader } = await connected();
  const whole = new Uint8Array(16);
  const buffer = whole.subarray(4, 8);
  await network.until(writer.write('octets'));

  const [first] = await network.until(reader.recvInto(buffer));
  t.is(text(buffer, first), 'octe');
  t.deepEqual([...whole.subarray(8)], Array(8).fill(0), 'nothing is written beside it');
  const [second] = await network.until(reader.recvInto(buffer));
  t.is(text(buffer, second), 'ts');
});

test('1.10: recvInto with MSG_PEEK leaves what it gives, with MSG_WAITALL fills the buffer, and tells the end', async (t) => {
  const { network, there, writer, reader } = await connected();
  const buffer = new Uint8Array(6);
  await network.until(writer.write('one'));
  const [peeked] = await network.until(reader.recvInto(buffer, there.MSG_PEEK));
  t.is(text(buffer, peeked), 'one');
  const filling = reader.recvInto(buffer, there.MSG_WAITALL);
  await network.until(writer.write('two'));
  const [filled] = await network.until(filling);
  t.is(text(buffer, filled), 'onetwo');
  writer.close();

  t.deepEqual(await network.until(reader.recvInto(buffer)), [null, there.ERROR_CLOSED]);
  t.deepEqual(await reader.recvInto(new Uint8Array(0)), [0, null]);
});

test('1.10: of a datagram longer than the buffer, recvInto gives the beginning, and the rest is gone', async (t) => {
  const { network, client, server } = pair();
  const [writer] = createSocketModule(client).udp();
  const [reader] = createSocketModule(server).udp();
  await reader!.bind('', 7);
  const buffer = new Uint8Array(4);
  await writer!.sendto('longer', '10.0.0.2', 7);
  await writer!.sendto('two', '10.0.0.2', 7);

  const [first] = await network.until(reader!.recvInto(buffer));
  t.is(text(buffer, first), 'long');
  const [second] = await network.until(reader!.recvInto(buffer));
  t.is(text(buffer, second), 'two');
});
