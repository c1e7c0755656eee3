/**
 * The few calls of the C library that a TUN device needs and Node does not offer, through koffi.
 *
 * koffi is an optional dependency: it is loaded when the first TUN is opened and by nothing else. A call costs about
 * 0.1 microseconds on top of the system call and allocates nothing; `fs.readSync` would throw, for some 4 microseconds,
 * each time that no packet waits. See open(2), ioctl(2), read(2), write(2), poll(2) and eventfd(2).
 */
import type { KoffiFunc } from 'koffi';
import { koffiMissing, notLinux } from './errors.ts';

/** As in C: a negative result means failure, and then `errno()` says why, until the next call. */
export interface Libc {
  open(path: string, flags: number): number;
  close(fd: number): number;
  fcntl(fd: number, command: number, argument: number): number;
  ioctl(fd: number, request: number, argument: Uint8Array): number;
  /** The same for requests whose argument is a number. */
  ioctlNumber(fd: number, request: number, argument: number): number;
  /** @returns octets read into `into` */
  read(fd: number, into: Uint8Array, size: number): number;
  /** @returns octets written from `bytes` */
  write(fd: number, bytes: Uint8Array, size: number): number;
  eventfd(initial: number, flags: number): number;
  /**
   * poll(2) on a thread of Node's pool: `fds` holds `count` records struct pollfd and must not be touched until `done`.
   * Until then the event loop stays alive and even `process.exit()` waits.
   */
  poll(fds: Uint8Array, count: number, timeoutMs: number, done: (error: unknown, ready: number) => void): void;
  errno(): number;
}

/**
 * Loads the calls; the second time it returns what the first time loaded.
 * @throws TunError ENOTLINUX, or ENOKOFFI when koffi is not installed or does not load on this machine
 */
export function loadLibc(): Promise<Libc> {
  loaded ??= load();
  return loaded;
}

async function load(): Promise<Libc> {
  if (process.platform !== 'linux') throw notLinux(process.platform);
  const { default: koffi } = await import('koffi').catch((cause: unknown) => {
    throw koffiMissing(cause);
  });
  const library = koffi.load(null); // null: what this process has loaded already, so its libc
  // open, fcntl and ioctl are variadic in C. Linux passes integer and pointer arguments alike either way on every
  // processor that koffi serves, and a fixed signature spares the type tags. koffi has no ssize_t; intptr_t is as wide.
  const poll = library.func('int poll(void *fds, unsigned long count, int timeout)') as KoffiFunc<Poll>;
  return {
    open: library.func('int open(const char *path, int flags)') as Libc['open'],
    close: library.func('int close(int fd)') as Libc['close'],
    fcntl: library.func('int fcntl(int fd, int command, int argument)') as Libc['fcntl'],
    ioctl: library.func('int ioctl(int fd, unsigned long request, void *argument)') as Libc['ioctl'],
    ioctlNumber: library.func('ioctl', 'int', ['int', 'unsigned long', 'unsigned long']) as Libc['ioctlNumber'],
    read: library.func('intptr_t read(int fd, void *into, size_t size)') as Libc['read'],
    write: library.func('intptr_t write(int fd, const void *bytes, size_t size)') as Libc['write'],
    eventfd: library.func('int eventfd(unsigned int initial, int flags)') as Libc['eventfd'],
    poll: (fds, count, timeoutMs, done) => poll.async(fds, count, timeoutMs, done),
    errno: () => koffi.errno(),
  };
}

type Poll = (fds: Uint8Array, count: number, timeoutMs: number) => number;

let loaded: Promise<Libc> | undefined;

// The numbers below are those of <fcntl.h>, <poll.h>, <sys/eventfd.h> and <asm-generic/errno.h>, the same on all of
// x64, arm, arm64, riscv64 and loong64.
export const O_RDWR = 0o2;
export const O_NONBLOCK = 0o4000;
export const O_CLOEXEC = 0o2000000;
export const F_GETFL = 3;
export const F_SETFL = 4;

export const POLLIN = 0x1;
export const POLLERR = 0x8;
export const POLLHUP = 0x10;
export const POLLNVAL = 0x20;

export const EBADF = 9;
export const EFAULT = 14;
export const ENODEV = 19;
export const EBADFD = 77;
