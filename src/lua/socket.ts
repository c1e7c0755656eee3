import type { OptionValue, Result, Socket, SocketModule } from '../api/index.ts';
import { setFunction, setLibrary } from './functions.ts';
import { type LuaState, lauxlib, lua, to_luastring } from './interpreter.ts';
import { latin1Of } from './octets.ts';
import { socketAt, socketType } from './sockets.ts';
import { push, pushOctets, read, textOrNumber } from './values.ts';
import { type Pending, waitFor } from './waiting.ts';

/**
 * The documented module as Lua sees it: the global `socket`, and objects with methods. A call gives its value alone when all
 * went well, and nil and the error's text otherwise; `read` gives octets in any case, empty when there is an error.
 */

type Method = (state: LuaState, socket: Socket, pending: Pending) => number;

/** Puts the global `socket` into a state. */
export function installSocket(state: LuaState, module: SocketModule, pending: Pending): void {
  lauxlib.luaL_newmetatable(state, socketType);
  lua.lua_newtable(state);
  for (const [name, method] of Object.entries(methods)) {
    setFunction(state, name, (thread) => method(thread, socketAt(thread, 1), pending));
  }
  lua.lua_setfield(state, -2, to_luastring('__index'));
  setFunction(state, '__tostring', (thread) => {
    push(thread, String(socketAt(thread, 1)));
    return 1;
  });
  lua.lua_pop(state, 1);

  lua.lua_newtable(state);
  for (const [name, value] of Object.entries(module)) {
    if (typeof value !== 'number' && typeof value !== 'string') continue;
    push(state, value);
    lua.lua_setfield(state, -2, to_luastring(name));
  }
  for (const [name, action] of Object.entries(functionsOf(module, pending))) setFunction(state, name, action);
  setLibrary(state, 'socket');
}

const functionsOf = (module: SocketModule, pending: Pending): Record<string, (state: LuaState) => number> => ({
  socket: (state) => {
    const [family, type] = [lauxlib.luaL_checknumber(state, 1), lauxlib.luaL_checknumber(state, 2)];
    return giveSocket(state, module.socket(family, type, lauxlib.luaL_optnumber(state, 3, 0)), pending);
  },
  tcp: (state) => giveSocket(state, module.tcp(optional(state, 1)), pending),
  udp: (state) => giveSocket(state, module.udp(optional(state, 1)), pending),
  getaddrinfo: (state) => {
    const [host, port] = [textOrNumber(state, 1), textOrNumber(state, 2)];
    const [family, type, protocol, flags] = [3, 4, 5, 6].map((index) => lauxlib.luaL_optnumber(state, index, 0));
    return waitFor(state, pending, () => module.getaddrinfo(host, port, family, type, protocol, flags), give);
  },
  select: (state) => {
    const lists = [1, 2, 3].map((index) => selectables(state, index));
    const timeout = lauxlib.luaL_optnumber(state, 4, -1);
    return waitFor(
      state,
      pending,
      () => module.select(lists[0]!, lists[1], lists[2], timeout),
      (thread, result) => giveSelected(thread, result, pending),
    );
  },
});

const methods: Readonly<Record<string, Method>> = {
  connect: (state, socket, pending) => {
    const [host, port] = [textOrNumber(state, 2), textOrNumber(state, 3)];
    const more = [4, 5].map((index) => lauxlib.luaL_optnumber(state, index, 0));
    return waitFor(state, pending, () => socket.connect(host, port ?? 0, ...more), give);
  },
  bind: (state, socket, pending) => {
    const [host, port] = [textOrNumber(state, 2), textOrNumber(state, 3)];
    if (host === null) return lauxlib.luaL_argerror(state, 2, to_luastring('string or number expected'));
    const more = [4, 5].map((index) => lauxlib.luaL_optnumber(state, index, 0));
    return waitFor(state, pending, () => socket.bind(host, port ?? 0, ...more), give);
  },
  listen: (state, socket) => give(state, socket.listen(lauxlib.luaL_checknumber(state, 2))),
  accept: (state, socket, pending) =>
    waitFor(
      state,
      pending,
      () => socket.accept(),
      (thread, result) => giveSocket(thread, result, pending),
    ),
  write: (state, socket, pending) => {
    const data = lauxlib.luaL_checkstring(state, 2);
    return waitFor(state, pending, () => socket.write(data), give);
  },
  read: (state, socket, pending) => {
    const most = lauxlib.luaL_checknumber(state, 2);
    return waitFor(
      state,
      pending,
      () => socket.read(most),
      (thread, [data, error]) => {
        pushOctets(thread, data);
        if (error === null) return 1;
        push(thread, error);
        return 2;
      },
    );
  },
  sendto: (state, socket, pending) => {
    const data = lauxlib.luaL_checkstring(state, 2);
    const [host, port] = [textOrNumber(state, 3), textOrNumber(state, 4)];
    return waitFor(state, pending, () => socket.sendto(data, host ?? '', port ?? 0), give);
  },
  recvfrom: (state, socket, pending) => {
    const most = lauxlib.luaL_checknumber(state, 2);
    return waitFor(
      state,
      pending,
      () => socket.recvfrom(most),
      (thread, [message, error]) => {
        if (error !== null) return give(thread, [null, error]);
        pushOctets(thread, message.data);
        push(thread, [...message.address]);
        return 2;
      },
    );
  },
  close: (state, socket, pending) => {
    const closed = socket.close();
    // What it may wait for, SO_LINGER's patience, goes on without the program where that cannot wait.
    return lua.lua_isyieldable(state)
      ? waitFor(
          state,
          pending,
          () => closed,
          () => 0,
        )
      : 0;
  },
  shutdown: (state, socket) => give(state, socket.shutdown(lauxlib.luaL_checknumber(state, 2))),
  fileno: (state, socket) => {
    push(state, socket.fileno());
    return 1;
  },
  setoption: (state, socket) => {
    const [level, name] = [lauxlib.luaL_checknumber(state, 2), lauxlib.luaL_checknumber(state, 3)];
    return give(state, socket.setoption(level, name, optionValue(state, 4)));
  },
  getoption: (state, socket) => {
    const [level, name] = [lauxlib.luaL_checknumber(state, 2), lauxlib.luaL_checknumber(state, 3)];
    return give(state, socket.getoption(level, name));
  },
  settimeout: (state, socket) => {
    socket.settimeout(lauxlib.luaL_checknumber(state, 2));
    return 0;
  },
  gettimeout: (state, socket) => {
    push(state, socket.gettimeout());
    return 1;
  },
  setblocking: (state, socket) => {
    const value = read(state, 2);
    if (typeof value !== 'boolean' && typeof value !== 'number') {
      return lauxlib.luaL_argerror(state, 2, to_luastring('boolean or number expected'));
    }
    socket.setblocking(value);
    return 0;
  },
  getpeername: (state, socket) => give(state, socket.getpeername()),
  getsockname: (state, socket) => give(state, socket.getsockname()),
};

// Arguments and results --------------------------------------------------------------------------------------------------

/** A value alone, or nil and why; after `write`, also how much had gone. */
function give(state: LuaState, [value, error, ...more]: Result<unknown> | readonly [null, string, number]): number {
  push(state, value);
  if (error === null) return 1;
  push(state, error);
  for (const each of more) push(state, each);
  return 2 + more.length;
}

function giveSocket(state: LuaState, [socket, error]: Result<Socket>, { sockets }: Pending): number {
  if (error !== null) return give(state, [null, error]);
  sockets.push(state, socket);
  return 1;
}

type Ready = readonly (Socket | number | object)[];

/** Three lists of what is ready. */
function giveSelected(state: LuaState, [lists, error]: Result<readonly Ready[]>, { sockets }: Pending): number {
  if (error !== null) return give(state, [null, error]);
  for (const list of lists) {
    lua.lua_newtable(state);
    for (const [index, each] of list.entries()) {
      if (typeof each === 'number') push(state, each);
      else sockets.push(state, each as Socket);
      lua.lua_rawseti(state, -2, index + 1);
    }
  }
  return lists.length;
}

/** A list of sockets and descriptor numbers, or nil. */
function selectables(state: LuaState, index: number): (Socket | number)[] | null {
  if (lua.lua_isnoneornil(state, index)) return null;
  lauxlib.luaL_checktype(state, index, lua.LUA_TTABLE);
  return Array.from({ length: lua.lua_rawlen(state, index) }, (_, at) => {
    lua.lua_rawgeti(state, index, at + 1);
    const number = read(state, -1);
    const each = typeof number === 'number' ? number : socketAt(state, -1);
    lua.lua_pop(state, 1);
    return each;
  });
}

const optional = (state: LuaState, index: number): number | undefined =>
  lua.lua_isnoneornil(state, index) ? undefined : lauxlib.luaL_checknumber(state, index);

function optionValue(state: LuaState, index: number): OptionValue {
  const value = read(state, index);
  if (value === null) return lauxlib.luaL_argerror(state, index, to_luastring('value expected'));
  // Names are texts to us, not octets.
  if (value instanceof Uint8Array) return latin1Of(value);
  return value as OptionValue;
}
