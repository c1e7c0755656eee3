import { follow, type Steps } from './calls.ts';
import { attempt, attemptLater, giveEnd, isOfFiles, whyOf } from './file-results.ts';
import type { LuaFileMode, LuaFiles, LuaInput, LuaPopen } from './files.ts';
import { pushFunction, raise, setFunction, setLibrary } from './functions.ts';
import { type LuaProxy, type LuaState, lauxlib, lua, to_luastring } from './interpreter.ts';
import { fileStream, inputStream, outputStream, type Piece, pipeStream, type Stream, type Whence } from './streams.ts';
import type { Format } from './unread.ts';
import { push, pushOctets, textAt } from './values.ts';
import { type Pending, waitFor } from './waiting.ts';

/**
 * The library `io`, and `print`, over what the program has been given. Reading waits only where the octets come later; files are
 * read at once.
 */

interface World {
  output(octets: Uint8Array): void;
  error(octets: Uint8Array): void;
  readonly input: LuaInput;
  readonly files: LuaFiles;
  readonly popen: LuaPopen | null;
}

const typeName = to_luastring('FILE*');

/** @returns what closes the files that are still open, and waits for their commands */
export function installIo(state: LuaState, pending: Pending, world: World): () => Promise<void> {
  const io = new Io(pending, world);
  // The interpreter has an `io` of its own, which knows Node's standard streams only.
  lua.lua_pushnil(state);
  lua.lua_setfield(state, lua.LUA_REGISTRYINDEX, typeName);
  lauxlib.luaL_newmetatable(state, typeName);
  lua.lua_pushvalue(state, -1);
  lua.lua_setfield(state, -2, to_luastring('__index'));
  for (const [name, method] of Object.entries(methods)) {
    setFunction(state, name, (thread) => method(thread, name === '__tostring' ? streamAt(thread) : openAt(thread), io));
  }
  lua.lua_pop(state, 1);

  lua.lua_newtable(state);
  for (const [name, action] of Object.entries(functions)) setFunction(state, name, (thread) => action(thread, io));
  const standard = {
    stdin: inputStream(world.input),
    stdout: outputStream(world.output),
    stderr: outputStream(world.error),
  };
  for (const [name, stream] of Object.entries(standard)) {
    const value = pushStream(state, stream);
    if (name === 'stdin') io.input = { stream, value };
    if (name === 'stdout') io.output = { stream, value };
    lua.lua_setfield(state, -2, to_luastring(name));
  }
  setLibrary(state, 'io');

  installPrint(state, world.output);
  return () => io.closeAll();
}

function installPrint(state: LuaState, output: (octets: Uint8Array) => void): void {
  pushFunction(state, (thread) => follow(thread, print(thread, output)));
  lua.lua_setglobal(state, to_luastring('print'));
}

/** By the global `tostring`, which may be the program's. */
function* print(state: LuaState, output: (octets: Uint8Array) => void): Steps {
  const top = lua.lua_gettop(state);
  lua.lua_getglobal(state, to_luastring('tostring'));
  const tostring = lua.lua_toproxy(state, -1);
  for (let index = 1; index <= top; index++) {
    tostring(state);
    lua.lua_pushvalue(state, index);
    yield { args: 1, results: 1 };
    const text = lua.lua_tostring(state, -1);
    if (text === null) return raise(state, "'tostring' must return a string to 'print'");
    if (index > 1) output(Uint8Array.of(0x09));
    output(text.slice());
    lua.lua_pop(state, 1);
  }
  output(Uint8Array.of(0x0a));
  return 0;
}

/** A stream, and the value that stands for it in Lua. */
interface Given {
  readonly stream: Stream;
  readonly value: LuaProxy;
}

/** The files of one program. */
class Io {
  readonly pending: Pending;
  readonly #files: LuaFiles;
  readonly #popen: LuaPopen | null;
  readonly #open: Set<Stream> = new Set();
  input!: Given;
  output!: Given;

  constructor(pending: Pending, { files, popen }: World) {
    this.pending = pending;
    this.#files = files;
    this.#popen = popen;
  }

  open(name: string, mode: LuaFileMode): Stream {
    const stream: Stream = fileStream(this.#files.open(name, mode), mode, () => this.#open.delete(stream));
    this.#open.add(stream);
    return stream;
  }

  /** A file that is gone when it is closed. */
  openTemporary(): Stream {
    const name = this.#files.temporaryName();
    const file = this.#files.open(name, 'w+');
    const stream: Stream = fileStream(file, 'w+', () => {
      this.#open.delete(stream);
      this.#files.remove(name);
    });
    this.#open.add(stream);
    return stream;
  }

  /** @returns null: no commands are known here */
  openPipe(command: string, mode: 'r' | 'w'): Stream | null {
    if (this.#popen === null) return null;
    const stream: Stream = pipeStream(this.#popen(command, mode), mode, () => this.#open.delete(stream));
    this.#open.add(stream);
    return stream;
  }

  async closeAll(): Promise<void> {
    await Promise.allSettled([...this.#open].map((stream) => stream.close()));
  }
}

// The functions -----------------------------------------------------------------------------------------------------------

const functions: Readonly<Record<string, (state: LuaState, io: Io) => number>> = {
  open: (state, io) => {
    const [name, mode] = [textAt(state, 1), lua.lua_isnoneornil(state, 2) ? 'r' : textAt(state, 2)];
    const known = /^([rwa]\+?)b?$/.exec(mode)?.[1];
    if (known === undefined) return lauxlib.luaL_argerror(state, 2, to_luastring('invalid mode'));
    return attempt(state, name, () => {
      pushStream(state, io.open(name, known as LuaFileMode));
      return 1;
    });
  },
  close: (state, io) =>
    close(state, lua.lua_isnoneornil(state, 1) ? openOf(state, io.output, 'output') : openAt(state), io.pending),
  read: (state, io) => readAt(state, openOf(state, io.input, 'input'), 1, io.pending),
  write: (state, io) => {
    const { value } = io.output;
    return writeAt(state, openOf(state, io.output, 'output'), 1, value, io.pending);
  },
  flush: (state, io) => {
    openOf(state, io.output, 'output');
    return give(state, true);
  },
  input: (state, io) => change(state, io, 'input', 'r'),
  output: (state, io) => change(state, io, 'output', 'w'),
  lines: (state, io) => {
    if (lua.lua_isnoneornil(state, 1)) {
      const formats = formatsAt(state, 2);
      return pushLines(state, openOf(state, io.input, 'input'), formats, false, io.pending);
    }
    const [name, formats] = [textAt(state, 1), formatsAt(state, 2)];
    return pushLines(state, openOrRaise(state, io, name, 'r'), formats, true, io.pending);
  },
  tmpfile: (state, io) =>
    attempt(state, null, () => {
      pushStream(state, io.openTemporary());
      return 1;
    }),
  popen: (state, io) => {
    const [command, mode] = [textAt(state, 1), lua.lua_isnoneornil(state, 2) ? 'r' : textAt(state, 2)];
    if (mode !== 'r' && mode !== 'w') return lauxlib.luaL_argerror(state, 2, to_luastring('invalid mode'));
    return attempt(state, command, () => {
      const stream = io.openPipe(command, mode);
      if (stream === null) return raise(state, "'popen' not supported");
      pushStream(state, stream);
      return 1;
    });
  },
  type: (state) => {
    if (lua.lua_gettop(state) === 0) return lauxlib.luaL_argerror(state, 1, to_luastring('value expected'));
    const found = lauxlib.luaL_testudata(state, 1, typeName);
    if (found === null) lua.lua_pushnil(state);
    else push(state, (found.data as Stream).isClosed ? 'closed file' : 'file');
    return 1;
  },
};

const methods: Readonly<Record<string, (state: LuaState, stream: Stream, io: Io) => number>> = {
  close: (state, stream, { pending }) => close(state, stream, pending),
  read: (state, stream, { pending }) => readAt(state, stream, 2, pending),
  write: (state, stream, { pending }) => writeAt(state, stream, 2, lua.lua_toproxy(state, 1), pending),
  lines: (state, stream, { pending }) => pushLines(state, stream, formatsAt(state, 2), false, pending),
  // Nothing is kept back that could be flushed.
  flush: (state) => give(state, true),
  setvbuf: (state) => give(state, true),
  seek: (state, stream) => {
    const from = lua.lua_isnoneornil(state, 2) ? 'cur' : textAt(state, 2);
    const offset = lauxlib.luaL_optnumber(state, 3, 0);
    if (from !== 'set' && from !== 'cur' && from !== 'end') {
      return lauxlib.luaL_argerror(state, 2, to_luastring(`invalid option '${from}'`));
    }
    return attempt(state, null, () => {
      push(state, stream.seek(from satisfies Whence, offset));
      return 1;
    });
  },
  __tostring: (state, stream) => {
    const { id = 0 } = lua.lua_topointer(state, 1);
    push(state, stream.isClosed ? 'file (closed)' : `file (0x${id.toString(16).padStart(8, '0')})`);
    return 1;
  },
};

function change(state: LuaState, io: Io, which: 'input' | 'output', mode: LuaFileMode): number {
  const type = lua.lua_type(state, 1);
  if (type === lua.LUA_TSTRING) {
    const stream = openOrRaise(state, io, textAt(state, 1), mode);
    io[which] = { stream, value: pushStream(state, stream) };
  } else if (!lua.lua_isnoneornil(state, 1)) {
    io[which] = { stream: openAt(state), value: lua.lua_toproxy(state, 1) };
  }
  io[which].value(state);
  return 1;
}

function close(state: LuaState, stream: Stream, pending: Pending): number {
  return attempt(state, null, () => {
    const closing = stream.close();
    if (closing === 'stays open') return give(state, null, 'cannot close standard file');
    return closing === 'closed' ? give(state, true) : attemptLater(state, pending, closing, giveEnd);
  });
}

function writeAt(state: LuaState, stream: Stream, first: number, itself: LuaProxy, pending: Pending): number {
  const top = lua.lua_gettop(state);
  return attempt(state, null, () => {
    const taken: (Promise<void> | void)[] = [];
    for (let index = first; index <= top; index++) {
      taken.push(stream.write(lauxlib.luaL_checkstring(state, index).slice()));
    }
    const isSlow = taken.some((each) => each instanceof Promise);
    return attemptLater(state, pending, isSlow ? Promise.all(taken) : taken, (thread) => {
      itself(thread);
      return 1;
    });
  });
}

function readAt(state: LuaState, stream: Stream, first: number, pending: Pending): number {
  const formats = formatsAt(state, first);
  return attempt(state, null, () => readBy(state, stream, formats, pending));
}

/** @param isOwn the stream is nobody else's, who could close it */
function readBy(state: LuaState, stream: Stream, formats: readonly Format[], pending: Pending, isOwn = false): number {
  const found = stream.read(formats);
  const give = (thread: LuaState, pieces: readonly Piece[]): number => {
    for (const [index, piece] of pieces.entries()) {
      if (piece === null) lua.lua_pushnil(thread);
      else if (formats[index] === 'n') lua.lua_stringtonumber(thread, piece);
      else pushOctets(thread, piece);
    }
    if (isOwn && pieces[0] === null) stream.close();
    return pieces.length;
  };
  return found instanceof Promise ? waitFor(state, pending, () => found, give) : give(state, found);
}

/** Pushes what `for` calls for the next line. */
function pushLines(
  state: LuaState,
  stream: Stream,
  formats: readonly Format[],
  isOwn: boolean,
  pending: Pending,
): number {
  const next = (thread: LuaState): number => {
    if (stream.isClosed) return raise(thread, 'file is already closed');
    return readBy(thread, stream, formats, pending, isOwn);
  };
  pushFunction(state, next);
  return 1;
}

// Arguments and results ------------------------------------------------------------------------------------------------

const streamAt = (state: LuaState): Stream => lauxlib.luaL_checkudata(state, 1, typeName).data as Stream;

function openAt(state: LuaState): Stream {
  const stream = streamAt(state);
  if (stream.isClosed) raise(state, 'attempt to use a closed file');
  return stream;
}

function openOf(state: LuaState, { stream }: Given, which: string): Stream {
  if (stream.isClosed) raise(state, `standard ${which} file is closed`);
  return stream;
}

function pushStream(state: LuaState, stream: Stream): LuaProxy {
  lua.lua_newuserdata(state, 0).data = stream;
  lauxlib.luaL_setmetatable(state, typeName);
  return lua.lua_toproxy(state, -1);
}

/** 'l' by default. Lua 5.2 has '*' in front of them, Lua 5.3 takes them with and without. */
function formatsAt(state: LuaState, first: number): Format[] {
  const count = Math.max(0, lua.lua_gettop(state) - first + 1);
  const formats = Array.from({ length: count }, (_, at): Format => {
    const index = first + at;
    if (lua.lua_type(state, index) === lua.LUA_TNUMBER) return lauxlib.luaL_checknumber(state, index);
    const format = textAt(state, index).replace(/^\*/, '').charAt(0);
    if (format !== 'n' && format !== 'l' && format !== 'L' && format !== 'a') {
      lauxlib.luaL_argerror(state, index, to_luastring('invalid format'));
    }
    return format as Format;
  });
  return count === 0 ? ['l'] : formats;
}

function give(state: LuaState, ...values: unknown[]): number {
  for (const value of values) push(state, value);
  return values.length;
}

function openOrRaise(state: LuaState, io: Io, name: string, mode: LuaFileMode): Stream {
  try {
    return io.open(name, mode);
  } catch (error) {
    if (isOfFiles(error)) raise(state, `${name}: ${whyOf(error)}`);
    throw error;
  }
}
