import type { Socket } from '../api/index.ts';
import { type LuaProxy, type LuaState, lauxlib, lua, to_luastring } from './interpreter.ts';

/** The sockets of one program: each is one value of Lua, and none is held that the program itself has lost. */

/** The name of their metatable. */
export const socketType: Uint8Array = to_luastring('tundra.socket');

export class Sockets {
  /** The value that stands for a socket; it holds its socket, and so lives as long as any of both is in use. */
  readonly #values: WeakMap<Socket, LuaProxy> = new WeakMap();
  /** By descriptor numbers, which are used again: closed sockets give their places to new ones, and do not pile up. */
  readonly #given: Map<number, WeakRef<Socket>> = new Map();

  /** Pushes the value that stands for a socket: the same one each time, so that it may be compared, and be a key. */
  push(state: LuaState, socket: Socket): void {
    const known = this.#values.get(socket);
    if (known !== undefined) return known(state);
    lua.lua_newuserdata(state, 0).data = socket;
    lauxlib.luaL_setmetatable(state, socketType);
    this.#values.set(socket, lua.lua_toproxy(state, -1));
    this.#given.set(socket.fileno(), new WeakRef(socket));
  }

  /** Closes what the program has left open at its end, as Lua's collector does. */
  closeAll(): void {
    for (const socket of this.#given.values()) void socket.deref()?.close();
  }
}

/** The socket at `index`. Anything else is an error in the program. */
export const socketAt = (state: LuaState, index: number): Socket =>
  lauxlib.luaL_checkudata(state, index, socketType).data as Socket;
