/** Why a connection failed or a call on an endpoint cannot be done: the names of POSIX and Linux. */
export type ErrorCode =
  | 'EPERM'
  | 'ENOENT'
  | 'EBADF'
  | 'EAGAIN'
  | 'EACCES'
  | 'ENODEV'
  | 'EINVAL'
  | 'ENAMETOOLONG'
  | 'EMFILE'
  | 'EPIPE'
  | 'EDESTADDRREQ'
  | 'EMSGSIZE'
  | 'EPROTOTYPE'
  | 'ENOPROTOOPT'
  | 'EPROTONOSUPPORT'
  | 'ESOCKTNOSUPPORT'
  | 'EOPNOTSUPP'
  | 'EAFNOSUPPORT'
  | 'EADDRINUSE'
  | 'EADDRNOTAVAIL'
  | 'ENETDOWN'
  | 'ENETUNREACH'
  | 'ECONNABORTED'
  | 'ECONNRESET'
  | 'ENOBUFS'
  | 'EISCONN'
  | 'ENOTCONN'
  | 'ETIMEDOUT'
  | 'ECONNREFUSED'
  | 'EHOSTUNREACH'
  | 'EHOSTDOWN'
  | 'ENONET'
  | 'EPROTO'
  | 'EALREADY'
  | 'EINPROGRESS';

/** A call of the user that the stack refuses. Thrown before any state has changed. */
export class StackError extends Error {
  override readonly name = 'StackError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, why: string = code) {
    super(`${code}: ${why}`);
    this.code = code;
  }
}
