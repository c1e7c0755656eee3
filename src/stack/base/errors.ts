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

/**
 * A call of the user that the stack refuses. Thrown before any state has changed. Its stack trace is one line: that nothing has come
 * yet, or nothing will come any more, is an everyday answer, and to gather a trace takes longer than all else
 * (`npm run bench -- connections`).
 */
export class StackError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, why: string = code) {
    const limit = engine.stackTraceLimit;
    engine.stackTraceLimit = 0;
    super(`${code}: ${why}`);
    engine.stackTraceLimit = limit;
    this.code = code;
  }
}
StackError.prototype.name = 'StackError';

/** V8 has this property; elsewhere it does nothing. */
const engine = Error as unknown as { stackTraceLimit: number };
