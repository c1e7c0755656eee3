/** The members of the documented socket module, grouped as there, with the sections of the page that says what they mean. */

const functionSections = { socket: '1.2', getaddrinfo: '1.11', tcp: '1.3', udp: '1.3' } as const;

const methodSections = {
  connect: '1.5',
  bind: '1.6',
  listen: '1.6',
  accept: '1.6',
  write: '1.7',
  read: '1.8',
  close: '1.9',
  shutdown: '1.9',
  fileno: '1.9',
  setoption: '1.13',
  getoption: '1.13',
  settimeout: '1.10',
  gettimeout: '1.10',
  setblocking: '1.10',
  getpeername: '1.4',
  getsockname: '1.4',
} as const;

export const moduleFunctions = Object.keys(functionSections) as (keyof typeof functionSections)[];
export const socketMethods = Object.keys(methodSections) as (keyof typeof methodSections)[];

/** Where the page says what a function or a method means: there are tests whose titles begin with that section. */
export const sectionOf: Readonly<Record<string, string>> = { ...functionSections, ...methodSections };

/** Sections that have something to be tested. */
export const sections: readonly string[] = Array.from({ length: 15 }, (_, index) => `1.${index + 1}`);

/** With the numbers that 1.14 gives them; the two errors with their texts. */
export const documentedConstants = {
  AF_INET: 2,
  AF_INET6: 10,
  AF_UNIX: 1,
  SOCK_STREAM: 1,
  SOCK_DGRAM: 2,
  SOCK_RAW: 3,
  SOCK_RDM: 4,
  SOCK_SEQPACKET: 5,
  AI_PASSIVE: 1,
  AI_CANONNAME: 2,
  AI_NUMERICHOST: 4,
  AI_NUMERICSERV: 0x400,
  AI_MASK: 0x63f,
  AI_ALL: 0x10,
  AI_V4MAPPED_CFG: 0x200,
  AI_ADDRCONFIG: 0x20,
  AI_V4MAPPED: 8,
  AI_DEFAULT: 0x220,
  INADDR_ANY: 0,
  INADDR_BROADCAST: 0xffffffff,
  INADDR_LOOPBACK: 0x7f000001,
  INADDR_UNSPEC_GROUP: 0xe0000000,
  INADDR_ALLHOSTS_GROUP: 0xe0000001,
  INADDR_MAX_LOCAL_GROUP: 0xe00000ff,
  INADDR_NONE: 0xffffffff,
  TCP_NODELAY: 1,
  TCP_KEEPALIVE: 4,
  SHUT_RD: 0,
  SHUT_WR: 1,
  SHUT_RDWR: 2,
  ERROR_TIMEOUT: 'Operation timed out',
  ERROR_CLOSED: 'Connection closed',
  SOMAXCONN: 4096,
} as const;
