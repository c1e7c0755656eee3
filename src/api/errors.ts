import type { ErrorCode } from '../stack/index.ts';

/** What a failed call returns as its second value: Linux's texts, and the two that the documented module names. */
export const texts = {
  EPERM: 'Operation not permitted',
  ENOENT: 'No such file or directory',
  EBADF: 'Bad file descriptor',
  EAGAIN: 'Resource temporarily unavailable',
  EACCES: 'Permission denied',
  EINVAL: 'Invalid argument',
  EMFILE: 'Too many open files',
  EPIPE: 'Connection closed',
  EDESTADDRREQ: 'Destination address required',
  EMSGSIZE: 'Message too long',
  EPROTOTYPE: 'Protocol wrong type for socket',
  ENOPROTOOPT: 'Protocol not available',
  EPROTONOSUPPORT: 'Protocol not supported',
  ESOCKTNOSUPPORT: 'Socket type not supported',
  EOPNOTSUPP: 'Operation not supported',
  EAFNOSUPPORT: 'Address family not supported by protocol',
  EADDRINUSE: 'Address already in use',
  EADDRNOTAVAIL: 'Cannot assign requested address',
  ENETDOWN: 'Network is down',
  ENETUNREACH: 'Network is unreachable',
  ECONNABORTED: 'Software caused connection abort',
  ECONNRESET: 'Connection reset by peer',
  ENOBUFS: 'No buffer space available',
  EISCONN: 'Transport endpoint is already connected',
  ENOTCONN: 'Transport endpoint is not connected',
  ETIMEDOUT: 'Operation timed out',
  ECONNREFUSED: 'Connection refused',
  EHOSTUNREACH: 'No route to host',
  EHOSTDOWN: 'Host is down',
  ENONET: 'Machine is not on the network',
  EPROTO: 'Protocol error',
  EALREADY: 'Operation already in progress',
  EINPROGRESS: 'Operation now in progress',
} as const satisfies Record<ErrorCode, string>;

/** A name that is neither an address nor in the hosts table. */
export const unknownHost = 'Name or service not known';

export const ERROR_TIMEOUT = texts.ETIMEDOUT;
export const ERROR_CLOSED = texts.EPIPE;

/** Every error text that a call can return. */
export type ErrorText = (typeof texts)[ErrorCode] | typeof unknownHost;

/** The result of a call: a value, or an error. */
export type Result<T> = readonly [value: T, err: null] | readonly [value: null, err: ErrorText];
