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

/** States that 4.6 does not have, measured as its tables were. */
export const moreTcpTable: readonly Row[] = readTable(`
state                          | bind(0) | listen | accept | connect(live) | send(1)      | send(0)      | recv         | shut RD  | shut WR  | getsockname | getpeername | SO_ERROR     | NODELAY
estab_untold                   | EINVAL  | EINVAL | EINVAL | ok            | 1            | 0            | EAGAIN       | ok       | ok       | ok          | ok          | ok0          | ok
got_rst_untold                 | ok      | EINVAL | EINVAL | ECONNRESET    | ECONNRESET   | ECONNRESET   | ECONNRESET   | ENOTCONN | ENOTCONN | ok          | ENOTCONN    | ECONNRESET   | ok
got_rst_told                   | ok      | EINVAL | EINVAL | EISCONN       | EPIPE        | EPIPE        | EOF          | ENOTCONN | ENOTCONN | ok          | ENOTCONN    | ok0          | ok
got_rst_unread                 | ok      | EINVAL | EINVAL | EISCONN       | ECONNRESET   | ECONNRESET   | 3B           | ENOTCONN | ENOTCONN | ok          | ENOTCONN    | ECONNRESET   | ok
got_rst_bound                  | EINVAL  | EINVAL | EINVAL | EISCONN       | ECONNRESET   | ECONNRESET   | ECONNRESET   | ENOTCONN | ENOTCONN | ok          | ENOTCONN    | ECONNRESET   | ok
both_fin_bound                 | EINVAL  | EINVAL | EINVAL | EISCONN       | EPIPE        | EPIPE        | EOF          | ENOTCONN | ENOTCONN | ok          | ENOTCONN    | ok0          | ok
both_fin_chosen                | EINVAL  | EINVAL | EINVAL | EISCONN       | EPIPE        | EPIPE        | EOF          | ENOTCONN | ENOTCONN | ok          | ENOTCONN    | ok0          | ok
refused_told                   | ok      | EINVAL | EINVAL | ECONNABORTED  | EPIPE        | EPIPE        | EOF          | ENOTCONN | ENOTCONN | ok          | ENOTCONN    | ok0          | ok
refused_told_by_connect        | ok      | ok     | EINVAL | EINPROGRESS   | EPIPE        | EPIPE        | ENOTCONN     | ENOTCONN | ENOTCONN | ok          | ENOTCONN    | ok0          | ok
refused_bound                  | EINVAL  | EINVAL | EINVAL | ECONNREFUSED  | ECONNREFUSED | ECONNREFUSED | ECONNREFUSED | ENOTCONN | ENOTCONN | ok          | ENOTCONN    | ECONNREFUSED | ok
refused_chosen                 | EINVAL  | EINVAL | EINVAL | ECONNREFUSED  | ECONNREFUSED | ECONNREFUSED | ECONNREFUSED | ENOTCONN | ENOTCONN | ok          | ENOTCONN    | ECONNREFUSED | ok
refused_chosen_told_by_connect | EINVAL  | ok     | EINVAL | EINPROGRESS   | EPIPE        | EPIPE        | ENOTCONN     | ENOTCONN | ENOTCONN | ok          | ENOTCONN    | ok0          | ok
listen_shut_rd                 | ok      | ok     | EINVAL | EINPROGRESS   | EPIPE        | EPIPE        | ENOTCONN     | ENOTCONN | ENOTCONN | ok          | ENOTCONN    | ok0          | ok
listen_shut_rd_chosen          | EINVAL  | ok     | EINVAL | EINPROGRESS   | EPIPE        | EPIPE        | ENOTCONN     | ENOTCONN | ENOTCONN | ok          | ENOTCONN    | ok0          | ok
listen_shut_wr                 | EINVAL  | ok     | EAGAIN | EISCONN       | EPIPE        | EPIPE        | ENOTCONN     | ok       | ok       | ok          | ENOTCONN    | ok0          | ok
syn_sent_shut                  | ok      | ok     | EINVAL | EINPROGRESS   | ECONNRESET   | ECONNRESET   | ECONNRESET   | ENOTCONN | ENOTCONN | ok          | ENOTCONN    | ECONNRESET   | ok
`);

export const moreUdpTable: readonly Row[] = readTable(`
state                 | bind(0) | listen     | accept     | connect | send(1) | sendto | sendto port 0 | send 65507 | send 65508 | sendto 255.255.255.255 | recv   | shut WR | getpeername | SO_ERROR
port_unreachable_told | EINVAL  | EOPNOTSUPP | EOPNOTSUPP | ok      | 1       | 1      | EINVAL        | 65507      | EMSGSIZE   | EACCES                 | EAGAIN | ok      | ok          | ok0
shut_rdwr             | EINVAL  | EOPNOTSUPP | EOPNOTSUPP | ok      | EPIPE   | EPIPE  | EINVAL        | EPIPE      | EMSGSIZE   | EACCES                 | EAGAIN | ok      | ok          | ok0
shut_rd_unread        | EINVAL  | EOPNOTSUPP | EOPNOTSUPP | ok      | 1       | 1      | EINVAL        | 65507      | EMSGSIZE   | EACCES                 | 3B     | ok      | ok          | ok0
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

/** Those that 4.6 does not have, measured too. */
export const moreCaseTable: Readonly<Record<string, string>> = {
  'TCP bind to a bound port': 'EADDRINUSE',
  'TCP bind to a bound port without SO_REUSEADDR': 'EADDRINUSE',
  'TCP bind to a bound port with SO_REUSEADDR': 'ok',
  'TCP port of a socket bound again after a reset': 'a new one',
  'TCP port of a socket that was reset': 'some',
  'TCP port of a listener after shut RD': 'the old one',
  'TCP bind by another to the port of a listener after shut RD': 'ok',
  'TCP bind multicast': 'ok',
  'TCP bind broadcast': 'ok',
  'TCP listen twice': 'ok',
  'TCP listen -1': 'ok',
  'TCP connect 0.0.0.0': 'ok',
  'TCP connect from a port to the same peer again': 'EADDRNOTAVAIL',
  'TCP sendto while fresh': 'EPIPE',
  'UDP bind to a bound port': 'EADDRINUSE',
  'UDP bind non-local address': 'EADDRNOTAVAIL',
  'UDP bind multicast': 'ok',
  'UDP bind broadcast': 'ok',
  'UDP connect multicast': 'ok',
  'UDP connect broadcast': 'EACCES',
  'UDP connect port 0': 'ok',
  'UDP connect port 0, then send': '1',
  'UDP send of nothing': '0',
  'AF_INET6 UDP connect to v4-mapped': 'ok',
  'AF_INET6 UDP connect to v4-mapped with V6ONLY': 'ENETUNREACH',
  'AF_INET6 UDP sendto v4-mapped': '1',
  'AF_INET6 UDP sendto v4-mapped with V6ONLY': 'ENETUNREACH',
  'AF_INET6 bind v4-mapped': 'ok',
  'AF_INET6 bind v4-mapped with V6ONLY': 'EINVAL',
  'V6ONLY once bound': 'EINVAL',
  'SOCK_DGRAM with IPPROTO_TCP': 'EPROTONOSUPPORT',
  'SO_TYPE set': 'ENOPROTOOPT',
  'SO_ERROR set': 'ENOPROTOOPT',
  'SO_ACCEPTCONN set': 'ENOPROTOOPT',
  'SO_SNDBUF -1': 'ok',
  'SO_RCVBUF -1': 'ok',
  'SO_RCVLOWAT -1': 'ok',
  'SOL_SOCKET 9999': 'ENOPROTOOPT',
  'level 77': 'ENOPROTOOPT',
  'IPPROTO_TCP 9999': 'ENOPROTOOPT',
  'IPPROTO_IP 9999': 'ENOPROTOOPT',
  'IPPROTO_TCP on UDP': 'ENOPROTOOPT',
  'IPPROTO_IPV6 on AF_INET': 'ENOPROTOOPT',
  'IP_TTL -1': 'ok',
  'IP_TTL -2': 'EINVAL',
  'IP_TOS 256': 'ok',
  'IP_TOS -1': 'ok',
  'IP_MTU_DISCOVER 2': 'ok',
  'IP_MTU_DISCOVER 6': 'EINVAL',
  'IP_MULTICAST_TTL 256': 'EINVAL',
  'IP_MULTICAST_TTL on TCP': 'EINVAL',
  'IP_HDRINCL on UDP': 'ENOPROTOOPT',
  'IPV6_UNICAST_HOPS 256': 'EINVAL',
  'IPV6_UNICAST_HOPS 0': 'ok',
  'IPV6_UNICAST_HOPS -2': 'EINVAL',
  'IPV6_TCLASS 256': 'EINVAL',
  'IPV6_TCLASS -2': 'EINVAL',
  'TCP_MAXSEG 0': 'ok',
  'TCP_MAXSEG 32767': 'ok',
  'TCP_MAXSEG 32768': 'EINVAL',
  'TCP_KEEPIDLE 32767': 'ok',
  'TCP_KEEPINTVL 0': 'EINVAL',
  'TCP_KEEPINTVL 32768': 'EINVAL',
  'TCP_KEEPCNT 0': 'EINVAL',
  'TCP_KEEPCNT 127': 'ok',
  'TCP_SYNCNT 0': 'EINVAL',
  'TCP_SYNCNT 127': 'ok',
  'TCP_LINGER2 -1': 'ok',
  'TCP_LINGER2 1000': 'ok',
  'TCP_DEFER_ACCEPT -1': 'ok',
  'TCP_WINDOW_CLAMP 0': 'ok',
  'TCP_WINDOW_CLAMP -1': 'ok',
  'TCP_INFO set': 'ENOPROTOOPT',
  'TCP_FASTOPEN -1 while fresh': 'EINVAL',
  'TCP_NOTSENT_LOWAT -1': 'ok',
};
