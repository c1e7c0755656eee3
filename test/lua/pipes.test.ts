/** io.popen, over commands that are handed in. */
import test from 'ava';
import type { LuaPipe, LuaPopen } from '../../src/lua/index.ts';
import { failureOf, lines } from './program.ts';

/** A command that says what it is in pieces, keeps what it is told, and ends well; or throws and rejects. */
class Commands {
  readonly log: string[] = [];

  readonly popen: LuaPopen = (command, mode): LuaPipe => {
    this.log.push(`${mode} ${command}`);
    if (command === 'none') throw failure;
    const pieces = command === 'silent' ? [] : [`${command}\nse`, 'cond\n'];
    return {
      read: async () => (pieces.length === 0 ? null : Buffer.from(pieces.shift()!)),
      write: async (octets) => {
        if (command === 'broken') throw failure;
        this.log.push(Buffer.from(octets).toString());
      },
      close: async () => {
        this.log.push('closed');
        if (command === 'fails') return { how: 'exit', code: 3 };
        return command === 'dies' ? { how: 'signal', code: 9 } : { how: 'exit', code: 0 };
      },
    };
  };
}

const failure = Object.assign(new Error('EPIPE'), { code: 'EPIPE', errno: -32 });

test('a program without commands is told that popen is not supported', async (t) => {
  t.regex(await failureOf('\nio.popen("ls")'), /^program\.lua:2: 'popen' not supported\n/);
});

test('what a command writes is read as it comes, and close says how it has ended', async (t) => {
  const { popen, log } = new Commands();
  const printed = await lines(
    `
    local pipe = io.popen("says")
    print(io.type(pipe), pipe:read(), pipe:read("*a"), pipe:read())
    print(pipe:close())
    print(io.type(pipe), tostring(pipe), pcall(pipe.read, pipe))
    for line in io.popen("lines", "r"):lines() do io.write("[", line, "]") end
    print(io.close(io.popen("fails")))
    print(io.popen("dies"):close())
    io.input(io.popen("input"))
    print(io.read(), coroutine.wrap(function() return io.read() end)())
    `,
    { popen },
  );

  t.deepEqual(printed, [
    'file\tsays\tsecond',
    '\tnil',
    'true\texit\t0',
    'closed file\tfile (closed)\tfalse\tattempt to use a closed file',
    '[lines][second]nil\texit\t3',
    'nil\tsignal\t9',
    'input\tsecond',
  ]);
  const [says, fails, dies] = ['says', 'fails', 'dies'].map((command) => [`r ${command}`, 'closed']);
  t.deepEqual(log, [...says!, 'r lines', ...fails!, ...dies!, 'r input', 'closed', 'closed']);
});

test('what is written goes to a command, which is closed with the program at the latest', async (t) => {
  const { popen, log } = new Commands();
  const printed = await lines(
    `
    local pipe = io.popen("reads", "w")
    print(pipe:write("one", 2) == pipe, pipe:flush(), pipe:setvbuf("no"))
    io.output(pipe)
    io.write("three")
    print(io.close())
    io.popen("left open", "w"):write("four")
    `,
    { popen },
  );

  t.deepEqual(printed, ['true\ttrue\ttrue', 'true\texit\t0']);
  t.deepEqual(log, ['w reads', 'one', '2', 'three', 'closed', 'w left open', 'four', 'closed']);
});

test('what cannot be done with a pipe is nil, why, and a number', async (t) => {
  const { popen } = new Commands();
  const printed = await lines(
    `
    print(io.popen("none"))
    print(io.popen("broken", "w"):write("x"))
    print(io.popen("silent", "w"):read())
    print(io.popen("silent"):write("x"))
    print(io.popen("silent"):seek())
    print(io.popen("silent"):read("*a") == "", io.popen("silent"):read())
    print(pcall(io.popen, "x", "rw"))
    print(pcall(io.popen, {}))
    print(pcall(function() io.popen("broken", "w"):write("x", {}) end))
    `,
    { popen },
  );

  t.deepEqual(printed, [
    'nil\tnone: Broken pipe\t32',
    'nil\tBroken pipe\t32',
    'nil\tBad file descriptor\t9',
    'nil\tBad file descriptor\t9',
    'nil\tIllegal seek\t29',
    'true\tnil',
    "false\tbad argument #2 to 'io.popen' (invalid mode)",
    "false\tbad argument #1 to 'io.popen' (string expected, got table)",
    "false\tprogram.lua:10: bad argument #2 to 'write' (string expected, got table)",
  ]);
});
