import { type StdioOptions, spawn, spawnSync } from 'node:child_process';
import { closeSync, fstatSync, openSync, readSync, renameSync, rmdirSync, unlinkSync, writeSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LuaEnded, LuaExecute, LuaFile, LuaFiles, LuaInput, LuaPopen } from '../../src/lua/index.ts';

/** The real files, standard input and commands for Lua programs, which are trusted as those of lua(1) are. */

export const realFiles: LuaFiles = {
  open: (name, mode) => realFile(openSync(name, mode)),
  remove(name) {
    try {
      unlinkSync(name);
    } catch (error) {
      // As remove(3), which takes empty directories too.
      if ((error as NodeJS.ErrnoException).code !== 'EISDIR') throw error;
      rmdirSync(name);
    }
  },
  rename: renameSync,
  temporaryName: () => join(tmpdir(), `lua_${process.pid}_${Math.random().toString(36).slice(2, 10)}`),
};

function realFile(fd: number): LuaFile {
  return {
    read(position, most) {
      const buffer = Buffer.allocUnsafe(most);
      return buffer.subarray(0, readSync(fd, buffer, 0, most, placeIn(fd, position)));
    },
    write(position, octets) {
      let written = 0;
      while (written < octets.length) {
        written += writeSync(fd, octets, written, octets.length - written, placeIn(fd, position + written));
      }
    },
    size: () => fstatSync(fd).size,
    close: () => closeSync(fd),
  };
}

/** Pipes and terminals have no places. */
const placeIn = (fd: number, position: number): number | null => (fstatSync(fd).isFile() ? position : null);

/** Standard input for a program whose host has to go on while it waits; `close` lets the process end. */
export function standardInput(): { readonly input: LuaInput; close(): void } {
  let pieces: AsyncIterator<Uint8Array> | null = null;
  return {
    async input() {
      pieces ??= process.stdin[Symbol.asyncIterator]();
      const { value, done } = await pieces.next();
      return done === true ? null : value;
    },
    close() {
      if (pieces !== null) process.stdin.destroy();
    },
  };
}

/** Standard input for a program in virtual time, which stands still meanwhile. */
export const standardInputAtOnce: LuaInput = () => {
  const buffer = Buffer.allocUnsafe(65_536);
  for (;;) {
    try {
      const count = readSync(0, buffer);
      return count === 0 ? null : buffer.subarray(0, count);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EOF') return null;
      if (code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10); // somebody has made it non-blocking
    }
  }
};

/** Commands beside a host that has to go on. */
export const execute: LuaExecute = (command) =>
  new Promise((resolve, reject) => {
    spawn('/bin/sh', ['-c', command], { stdio: 'inherit' })
      .once('error', reject)
      .once('exit', (code, signal) => resolve(endOf(code, signal)));
  });

/** Commands in virtual time. */
export const executeAtOnce: LuaExecute = (command) => {
  const { status, signal, error } = spawnSync('/bin/sh', ['-c', command], { stdio: 'inherit' });
  if (error !== undefined) throw error;
  return endOf(status, signal);
};

/** Pipes to commands beside a host that has to go on. */
export const popen: LuaPopen = (command, mode) => {
  const child = spawn('/bin/sh', ['-c', command], {
    stdio: [mode === 'w' ? 'pipe' : 'inherit', mode === 'r' ? 'pipe' : 'inherit', 'inherit'],
  });
  const ended = new Promise<LuaEnded>((resolve) => {
    child
      .once('error', () => resolve(endOf(noShell, null)))
      .once('exit', (code, signal) => resolve(endOf(code, signal)));
  });
  child.stdin?.on('error', () => {}); // each write is told
  const pieces = child.stdout?.[Symbol.asyncIterator]();
  return {
    async read() {
      const next = await pieces!.next();
      return next.done === true ? null : next.value;
    },
    write: (octets) =>
      new Promise((resolve, reject) => {
        // Node's own errors are others, by when it has seen the end.
        child.stdin!.write(octets, (error) => (error ? reject(brokenPipe()) : resolve()));
      }),
    close() {
      child.stdin?.end();
      child.stdout?.destroy();
      return ended;
    },
  };
};

/** Pipes to commands in virtual time: what is read has all been written before, and what is written is all read afterwards. */
export const popenAtOnce: LuaPopen = (command, mode) => {
  const run = (input: Uint8Array | null): { output: Uint8Array | null; ended: LuaEnded } => {
    const stdio: StdioOptions = input === null ? ['inherit', 'pipe', 'inherit'] : ['pipe', 'inherit', 'inherit'];
    const options = { stdio, input: input ?? undefined, maxBuffer: Number.POSITIVE_INFINITY };
    const { stdout, status, signal } = spawnSync('/bin/sh', ['-c', command], options);
    return { output: stdout, ended: endOf(status ?? noShell, signal) };
  };
  const written: Uint8Array[] = [];
  let { output, ended } = mode === 'r' ? run(null) : { output: null, ended: null };
  return {
    read() {
      const piece = output;
      output = null;
      return piece;
    },
    write: (octets) => void written.push(octets),
    close: () => ended ?? run(Buffer.concat(written)).ended,
  };
};

const brokenPipe = (): Error =>
  Object.assign(new Error('broken pipe'), { code: 'EPIPE', errno: constants.errno.EPIPE });

/** The code of popen(3) whose child finds no shell. */
const noShell = 127;

const endOf = (code: number | null, signal: NodeJS.Signals | null): LuaEnded =>
  signal === null ? { how: 'exit', code: code ?? 0 } : { how: 'signal', code: constants.signals[signal] };
