/**
 * What Linux 6.18 answers to calls that make sense and to those that do not, in every state a socket can be in: the tables
 * of requirement 4.6 as data. Sockets do not wait. How states are reached and calls are made is in states.ts and calls.ts.
 */

/** A state, and the answer to each call in it. */
export type Row = readonly [state: string, answers: Readonly<Record<string, string>>];

/** The calls are the heads of the columns. Answers: 'ok', what a call returns, or the name of its error. */
function readTable(text: string): readonly Row[] {
  const [head = '', ...lines] = text.trim().split('\n');
  const [, ...calls] = cells(head);
  return lines.map((line) => {
    const [state = '', ...answers] = cells(line);
    if (answers.length !== calls.length)
      throw new Error(`${state}: ${answers.length} answers to ${calls.length} calls`);
    return [state, Object.fromEntries(calls.map((call, index) => [call, answers[index]!]))];
  });
}

const cells = (line: string): string[] => line.split('|').map((cell) => cell.trim());

/** ok0 is an SO_ERROR of 0; EOF is the end of the stream, 3B three octets. The peer of connect(live) listens. */
export const tcpTable: readonly Row[] = readTable(`
state           | bind(0) | listen | accept | connect(live) | send(1)      | send(0)      | recv         | shut RD  | shut WR  | getsockname | getpeername | SO_ERROR     | NODELAY
fresh           | ok      | ok     | EINVAL | EINPROGRESS   | EPIPE        | EPIPE        | ENOTCONN     | ENOTCONN | ENOTCONN | ok          | ENOTCONN    | ok0          | ok
bound           | EINVAL  | ok     | EINVAL | EINPROGRESS   | EPIPE        | EPIPE        | ENOTCONN     | ENOTCONN | ENOTCONN | ok          | ENOTCONN    | ok0          | ok
listen          | EINVAL  | ok     | EAGAIN | EISCONN       | EPIPE        | EPIPE        | ENOTCONN     | ok       | ok       | ok          | ENOTCONN    | ok0          | ok
syn_sent        | EINVAL  | EINVAL | EINVAL | EALREADY      | EAGAIN       | EAGAIN       | EAGAIN       | ok       | ok       | ok          | ENOTCONN    | ok0          | ok
estab           | EINVAL  | EINVAL | EINVAL | EISCONN       | 1            | 0            | EAGAIN       | ok       | ok       | ok          | ok          | ok0          | ok
shut_wr         | EINVAL  | EINVAL | EINVAL | EISCONN       | EPIPE        | EPIPE        | EAGAIN       | ok       | ok       | ok          | ok          | ok0          | ok
shut_rd         | EINVAL  | EINVAL | EINVAL | EISCONN       | 1            | 0            | EOF          | ok       | ok       | ok          | ok          | ok0          | ok
shut_rdwr       | EINVAL  | EINVAL | EINVAL | EISCONN       | EPIPE        | EPIPE        | EOF          | ok       | ok       | ok          | ok          | ok0          | ok
peer_fin        | EINVAL  | EINVAL | EINVAL | EISCONN       | 1            | 0            | EOF          | ok       | ok       | ok          | ok          | ok0          | ok
peer_fin_unread | EINVAL  | EINVAL | EINVAL | EISCONN       | 1            | 0            | 3B           | ok       | ok       | ok          | ok          | ok0          | ok
both_fin        | ok      | EINVAL | EINVAL | EISCONN       | EPIPE        | EPIPE        | EOF          | ENOTCONN | ENOTCONN | ok          | ENOTCONN    | ok0          | ok
got_rst         | ok      | EINVAL | EINVAL | EISCONN       | ECONNRESET   | ECONNRESET   | ECONNRESET   | ENOTCONN | ENOTCONN | ok          | ENOTCONN    | ECONNRESET   | ok
refused         | ok      | EINVAL | EINVAL | ECONNREFUSED  | ECONNREFUSED | ECONNREFUSED | ECONNREFUSED | ENOTCONN | ENOTCONN | ok          | ENOTCONN    | ECONNREFUSED | ok
closed_fd       | EBADF   | EBADF  | EBADF  | EBADF         | EBADF        | EBADF        | EBADF        | EBADF    | EBADF    | EBADF       | EBADF       | EBADF        | EBADF
`);

/** EOPNOTSUPP is what 4.6 calls ENOTSUP: Linux has one number for both. Sends of so many octets name their destination. */
export const udpTable: readonly Row[] = readTable(`
state                        | bind(0) | listen     | accept     | connect | send(1)      | sendto       | sendto port 0 | send 65507   | send 65508 | sendto 255.255.255.255 | recv         | shut WR  | getpeername | SO_ERROR
fresh                        | ok      | EOPNOTSUPP | EOPNOTSUPP | ok      | EDESTADDRREQ | 1            | EINVAL        | 65507        | EMSGSIZE   | EACCES                 | EAGAIN       | ENOTCONN | ENOTCONN    | ok0
bound                        | EINVAL  | EOPNOTSUPP | EOPNOTSUPP | ok      | EDESTADDRREQ | 1            | EINVAL        | 65507        | EMSGSIZE   | EACCES                 | EAGAIN       | ENOTCONN | ENOTCONN    | ok0
connected                    | EINVAL  | EOPNOTSUPP | EOPNOTSUPP | ok      | 1            | 1            | EINVAL        | 65507        | EMSGSIZE   | EACCES                 | EAGAIN       | ok       | ok          | ok0
connected_port_unreachable   | EINVAL  | EOPNOTSUPP | EOPNOTSUPP | ok      | ECONNREFUSED | ECONNREFUSED | EINVAL        | ECONNREFUSED | EMSGSIZE   | EACCES                 | ECONNREFUSED | ok       | ok          | ECONNREFUSED
unconnected_port_unreachable | EINVAL  | EOPNOTSUPP | EOPNOTSUPP | ok      | EDESTADDRREQ | 1            | EINVAL        | 65507        | EMSGSIZE   | EACCES                 | EAGAIN       | ENOTCONN | ENOTCONN    | ok0
shut_wr                      | EINVAL  | EOPNOTSUPP | EOPNOTSUPP | ok      | EPIPE        | EPIPE        | EINVAL        | EPIPE        | EMSGSIZE   | EACCES                 | EAGAIN       | ok       | ok          | ok0
shut_rd                      | EINVAL  | EOPNOTSUPP | EOPNOTSUPP | ok      | 1            | 1            | EINVAL        | 65507        | EMSGSIZE   | EACCES                 | EAGAIN       | ok       | ok          | ok0
`);

/** Addresses and options, each on a fresh socket. */
export const caseTable: Readonly<Record<string, string>> = {
  'TCP bind to a port in LISTEN': 'EADDRINUSE',
  'bind non-local address': 'EADDRNOTAVAIL',
  'TCP connect multicast': 'ENETUNREACH',
  'TCP connect broadcast': 'ENETUNREACH',
  'TCP connect port 0': 'ECONNREFUSED',
  'IP_TTL 256': 'EINVAL',
  'IP_TTL 0': 'EINVAL',
  'TCP_MAXSEG 87': 'EINVAL',
  'TCP_MAXSEG 88': 'ok',
  'TCP_KEEPIDLE 0': 'EINVAL',
  'TCP_KEEPIDLE 32768': 'EINVAL',
  'TCP_KEEPCNT 128': 'EINVAL',
  'TCP_SYNCNT 128': 'EINVAL',
  'TCP_USER_TIMEOUT -1': 'EINVAL',
  'unknown congestion control': 'ENOENT',
  'AF_INET6 connect to v4-mapped': 'ok',
  'AF_INET6 connect to v4-mapped with V6ONLY': 'ENETUNREACH',
  'TCP self-connect': 'ok, its own peer',
  'SOCK_STREAM with IPPROTO_UDP': 'EPROTONOSUPPORT',
};
