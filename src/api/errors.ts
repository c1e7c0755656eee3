import type { ErrorCode } from '../stack/index.ts';

/** What a failed call returns as its second value: Linux's texts, and the two that the documented module names. */
export const texts = {
  EPERM: 'Operation not permitted',
  ENOENT: 'No such file or directory',
  EBADF: 'Bad file descriptor',
  EAGAIN: 'Resource temporarily unavailable',
  EACCES: 'Permission denied',
  ENODEV: 'No such device',
  EINVAL: 'Invalid argument',
  EMFILE: 'Too many open files',
  ENAMETOOLONG: 'AF_UNIX path too long',
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

/** Linux's numbers, for SO_ERROR; OK is 0. */
export const errnos: Readonly<Record<ErrorCode | 'OK', number>> = {
  OK: 0,
  EPERM: 1,
  ENOENT: 2,
  EBADF: 9,
  EAGAIN: 11,
  EACCES: 13,
  ENODEV: 19,
  EINVAL: 22,
  EMFILE: 24,
  ENAMETOOLONG: 36,
  EPIPE: 32,
  ENONET: 64,
  EPROTO: 71,
  EDESTADDRREQ: 89,
  EMSGSIZE: 90,
  EPROTOTYPE: 91,
  ENOPROTOOPT: 92,
  EPROTONOSUPPORT: 93,
  ESOCKTNOSUPPORT: 94,
  EOPNOTSUPP: 95,
  EAFNOSUPPORT: 97,
  EADDRINUSE: 98,
  EADDRNOTAVAIL: 99,
  ENETDOWN: 100,
  ENETUNREACH: 101,
  ECONNABORTED: 103,
  ECONNRESET: 104,
  ENOBUFS: 105,
  EISCONN: 106,
  ENOTCONN: 107,
  ETIMEDOUT: 110,
  ECONNREFUSED: 111,
  EHOSTDOWN: 112,
  EHOSTUNREACH: 113,
  EALREADY: 114,
  EINPROGRESS: 115,
};

/** What getaddrinfo fails with: gai_strerror(3)'s texts. */
export const lookupTexts = {
  EAI_BADFLAGS: 'Bad value for ai_flags',
  EAI_NONAME: 'Name or service not known',
  EAI_AGAIN: 'Temporary failure in name resolution',
  EAI_FAIL: 'Non-recoverable failure in name resolution',
  EAI_NODATA: 'No address associated with hostname',
  EAI_FAMILY: 'ai_family not supported',
  EAI_SOCKTYPE: 'ai_socktype not supported',
  EAI_SERVICE: 'Servname not supported for ai_socktype',
  EAI_ADDRFAMILY: 'Address family for hostname not supported',
} as const;

export type LookupError = keyof typeof lookupTexts;

/** The numbers of netdb.h. */
export const lookupNumbers: Readonly<Record<LookupError, number>> = {
  EAI_BADFLAGS: -1,
  EAI_NONAME: -2,
  EAI_AGAIN: -3,
  EAI_FAIL: -4,
  EAI_NODATA: -5,
  EAI_FAMILY: -6,
  EAI_SOCKTYPE: -7,
  EAI_SERVICE: -8,
  EAI_ADDRFAMILY: -9,
};

/** Which of getaddrinfo's errors has this text? */
export const lookupErrorOf = (text: ErrorText): LookupError =>
  (Object.keys(lookupTexts) as LookupError[]).find((code) => lookupTexts[code] === text) ?? 'EAI_FAIL';

export const ERROR_TIMEOUT = texts.ETIMEDOUT;
export const ERROR_CLOSED = texts.EPIPE;

/** What getaddrinfo says of a port of another type: the text of the module's first implementation. */
export const portTypeText = 'port argument expect string/number/nil';

/** Every error text that a call can return. */
export type ErrorText = (typeof texts)[ErrorCode] | (typeof lookupTexts)[LookupError] | typeof portTypeText;

/** The result of a call: a value, or an error. */
export type Result<T> = readonly [value: T, err: null] | readonly [value: null, err: ErrorText];
