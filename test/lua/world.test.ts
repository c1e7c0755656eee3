/** Pipes to real commands, for hosts that have to go on and for virtual time. */
import test from 'ava';
import type { LuaEnded } from '../../src/lua/index.ts';
import { popen, popenAtOnce } from '../../tools/commands/lua-world.ts';

for (const [how, start] of Object.entries({ 'at once': popenAtOnce, 'while a host goes on': popen })) {
  const outputOf = async (command: string): Promise<[output: string, ended: LuaEnded]> => {
    const pipe = start(command, 'r');
    let output = '';
    for (let piece = await pipe.read(); piece !== null; piece = await pipe.read()) output += Buffer.from(piece);
    return [output, await pipe.close()];
  };

  test(`a command is read ${how}, and says how it has ended`, async (t) => {
    t.deepEqual(await outputOf('echo one; echo two; exit 3'), ['one\ntwo\n', { how: 'exit', code: 3 }]);
    t.deepEqual(await outputOf('printf x; kill -9 $$'), ['x', { how: 'signal', code: 9 }]);
    t.is((await outputOf('head -c 300000 /dev/zero'))[0].length, 300_000);
  });

  test(`a command is written to ${how}, and says how it has ended`, async (t) => {
    const pipe = start('test "$(cat)" = "one, two" && exit 5', 'w');
    await pipe.write(Buffer.from('one'));
    await pipe.write(Buffer.from(', two'));

    t.deepEqual(await pipe.close(), { how: 'exit', code: 5 });
  });

  test(`a command that is closed ${how} before it has been read is no failure`, async (t) => {
    const ended = await start('exec true', 'r').close();

    t.deepEqual(ended, { how: 'exit', code: 0 });
  });
}

test('what is written to a command that has ended fails as a broken pipe', async (t) => {
  const pipe = popen('exec true', 'w');
  await pipe.close();

  await t.throwsAsync(async () => pipe.write(Buffer.from('late')), { code: 'EPIPE' });
});
