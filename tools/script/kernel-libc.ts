/**
 * The system calls that playing scripts against the kernel takes, through koffi: sockets, network namespaces, TUN.
 * Calls that may block also come as promises; they then occupy a thread of Node's pool.
 */
import { constants } from 'node:os';
import type { KoffiFunc } from 'koffi';

/** As in C: -1 is a failure. */
export interface KernelLibc {
  unshare(flags: number): number;
  setns(fd: number, type: number): number;
  open(path: string, flags: number): number;
  close(fd: number): number;
  dup(fd: number): number;
  socket(family: number, type: number, protocol: number): number;
  bind(fd: number, address: Uint8Array, length: number): number;
  listen(fd: number, backlog: number): number;
  shutdown(fd: number, how: number): number;
  setsockopt(fd: number, level: number, option: number, value: Uint8Array, length: number): number;
  getsockopt(fd: number, level: number, option: number, value: Uint8Array, length: Uint8Array): number;
  fcntl(fd: number, command: number, argument: number): number;
  ioctl(fd: number, request: number, argument: Uint8Array): number;
  readonly closing: MaybeBlocking<[fd: number]>;
  readonly accept: MaybeBlocking<[fd: number, address: null, length: null, flags: number]>;
  readonly connect: MaybeBlocking<[fd: number, address: Uint8Array, length: number]>;
  readonly sendto: MaybeBlocking<
    [fd: number, data: Uint8Array, size: number, flags: number, address: Uint8Array | null, length: number]
  >;
  readonly recv: MaybeBlocking<[fd: number, into: Uint8Array, size: number, flags: number]>;
  readonly poll: MaybeBlocking<[fds: Uint8Array, count: number, timeoutMs: number]>;
  /** The name of the error of the call just made, such as 'EAGAIN'. */
  errorName(): string;
}

/** What a call has returned, with the name of its error. */
export interface Returned {
  readonly value: number;
  readonly error: string | null;
}

/** A call that is made here, or on another thread. */
export interface MaybeBlocking<Parameters extends readonly unknown[]> {
  now(...parameters: Parameters): Returned;
  later(...parameters: Parameters): Promise<Returned>;
}

let loaded: Promise<KernelLibc> | undefined;

/** @throws Error koffi is not there */
export function loadKernelLibc(): Promise<KernelLibc> {
  loaded ??= load();
  return loaded;
}

async function load(): Promise<KernelLibc> {
  const { default: koffi } = await import('koffi');
  const library = koffi.load(null);
  const errorName = (): string => errorNames.get(koffi.errno()) ?? `E${koffi.errno()}`;
  const returned = (value: number): Returned => ({ value, error: value < 0 ? errorName() : null });
  const maybeBlocking = <P extends unknown[]>(prototype: string): MaybeBlocking<P> => {
    const call = library.func(prototype) as KoffiFunc<(...parameters: P) => number>;
    return {
      now: (...parameters) => returned(call(...parameters)),
      later: (...parameters) =>
        new Promise((resolve, reject) => {
          const done = (error: unknown, value: number): void => {
            void parameters; // whose buffers have to live until now
            if (error === null) resolve(returned(value));
            else reject(error);
          };
          (call.async as (...all: unknown[]) => void)(...parameters, done);
        }),
    };
  };
  return {
    unshare: library.func('int unshare(int flags)') as KernelLibc['unshare'],
    setns: library.func('int setns(int fd, int type)') as KernelLibc['setns'],
    open: library.func('int open(const char *path, int flags)') as KernelLibc['open'],
    close: library.func('int close(int fd)') as KernelLibc['close'],
    dup: library.func('int dup(int fd)') as KernelLibc['dup'],
    socket: library.func('int socket(int family, int type, int protocol)') as KernelLibc['socket'],
    bind: library.func('int bind(int fd, const void *address, unsigned int length)') as KernelLibc['bind'],
    listen: library.func('int listen(int fd, int backlog)') as KernelLibc['listen'],
    shutdown: library.func('int shutdown(int fd, int how)') as KernelLibc['shutdown'],
    setsockopt: library.func(
      'int setsockopt(int fd, int level, int option, const void *value, unsigned int length)',
    ) as KernelLibc['setsockopt'],
    getsockopt: library.func(
      'int getsockopt(int fd, int level, int option, void *value, void *length)',
    ) as KernelLibc['getsockopt'],
    fcntl: library.func('int fcntl(int fd, int command, long argument)') as KernelLibc['fcntl'],
    ioctl: library.func('int ioctl(int fd, unsigned long request, void *argument)') as KernelLibc['ioctl'],
    closing: maybeBlocking('int close(int fd)'),
    accept: maybeBlocking('int accept4(int fd, void *address, void *length, int flags)'),
    connect: maybeBlocking('int connect(int fd, const void *address, unsigned int length)'),
    sendto: maybeBlocking(
      'intptr_t sendto(int fd, const void *data, size_t size, int flags, const void *address, unsigned int length)',
    ),
    recv: maybeBlocking('intptr_t recv(int fd, void *into, size_t size, int flags)'),
    poll: maybeBlocking('int poll(void *fds, unsigned long count, int timeout)'),
    errorName,
  };
}

const errorNames: ReadonlyMap<number, string> = new Map(
  Object.entries(constants.errno)
    .filter(([name]) => name !== 'EWOULDBLOCK' && name !== 'EOPNOTSUPP')
    .map(([name, number]) => [number, name === 'ENOTSUP' ? 'EOPNOTSUPP' : name] as const),
);
