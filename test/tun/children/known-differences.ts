/** Where the answers of Linux and ours differ and both may be, or Linux is the odd one: in the words of kernel-answers.test.ts. */

export interface Difference {
  readonly kernel: readonly string[];
  readonly ours: readonly string[];
}

type Row = readonly [title: string, kernel: readonly string[], ours: readonly string[]];

const ECHO_V4 = 'ICMP 0/0, 12340005, data 00070e151c232a31383f464d545b6269';
const ECHO_V6 = 'ICMP 129/0, 12340005, data 00070e151c232a31383f464d545b6269';

const rows: readonly Row[] = [
  // RFC 1122 section 3.2.2.8: answering is optional.
  ['IPv4: a timestamp request', ['ICMP 14/0, 00000001, 12 octets of times'], []],
  // RFC 1122 section 3.2.2: quoted as it came; Linux clears what is behind the end of the options.
  [
    'IPv4: UDP to a closed port with octets behind the end of the options',
    ['ICMP 3/3, 00000000, quotes 44, 0 at 21, 0 at 23'],
    ['ICMP 3/3, 00000000, quotes 44'],
  ],
  // RFC 1122 section 3.2.1.8: record route and timestamp are optional, and what is in them is not looked at by us.
  ['IPv4: an echo request with a record route of two', [`${ECHO_V4}, options 070b0c0a0000010a00000100`], [ECHO_V4]],
  [
    'IPv4: UDP to a closed port with a record route of two',
    ['ICMP 3/3, 00000000, quotes 52, 8 at 22, a at 23, 1 at 26, options 070b0c0a0000010a00000100'],
    ['ICMP 3/3, 00000000, quotes 52'],
  ],
  ['IPv4: an echo request with a record route that is full', [`${ECHO_V4}, options 0707080102030400`], [ECHO_V4]],
  [
    'IPv4: UDP to a closed port with a record route that is full',
    ['ICMP 3/3, 00000000, quotes 48, options 0707080102030400'],
    ['ICMP 3/3, 00000000, quotes 48'],
  ],
  ['IPv4: an echo request with a record route with pointer 0', ['ICMP 12/0, 16000000, quotes 52'], [ECHO_V4]],
  [
    'IPv4: UDP to a closed port with a record route with pointer 0',
    ['ICMP 12/0, 16000000, quotes 48'],
    ['ICMP 3/3, 00000000, quotes 48'],
  ],
  ['IPv4: an echo request with a record route too short', ['ICMP 12/0, 15000000, quotes 48'], [ECHO_V4]],
  [
    'IPv4: UDP to a closed port with a record route too short',
    ['ICMP 12/0, 15000000, quotes 44'],
    ['ICMP 3/3, 00000000, quotes 44'],
  ],
  [
    'IPv4: an echo request with two record routes',
    ['ICMP 12/0, 1b000000, quotes 60, 8 at 22, a at 23, 1 at 26, options 0707080a00000100'],
    [ECHO_V4],
  ],
  [
    'IPv4: UDP to a closed port with two record routes',
    ['ICMP 12/0, 1b000000, quotes 56, 8 at 22, a at 23, 1 at 26, options 0707080a00000100'],
    ['ICMP 3/3, 00000000, quotes 56'],
  ],
  ['IPv4: an echo request with a timestamp that is full', ['ICMP 12/0, 17000000, quotes 52'], [ECHO_V4]],
  [
    'IPv4: UDP to a closed port with a timestamp that is full',
    ['ICMP 12/0, 17000000, quotes 48'],
    ['ICMP 3/3, 00000000, quotes 48'],
  ],
  ['IPv4: an echo request with a timestamp too short', ['ICMP 12/0, 15000000, quotes 48'], [ECHO_V4]],
  [
    'IPv4: UDP to a closed port with a timestamp too short',
    ['ICMP 12/0, 15000000, quotes 44'],
    ['ICMP 3/3, 00000000, quotes 44'],
  ],
  // Row V03: the first source route ends it. Linux looks further, and complains by way of a third host, which it was to avoid.
  [
    'IPv4: an echo request with two source routes',
    ['ICMP 12/0, 1b000000, quotes 60, to 10.0.0.9, options 8307040a00000200'],
    [],
  ],
  [
    'IPv4: UDP to a closed port with two source routes',
    ['ICMP 12/0, 1b000000, quotes 56, to 10.0.0.9, options 8307040a00000200'],
    [],
  ],
  [
    'IPv4: an echo request with a source route before an option of length 1',
    ['ICMP 12/0, 1b000000, quotes 56, to 10.0.0.9, options 8307040a00000200'],
    [],
  ],
  [
    'IPv4: UDP to a closed port with a source route before an option of length 1',
    ['ICMP 12/0, 1b000000, quotes 52, to 10.0.0.9, options 8307040a00000200'],
    [],
  ],
  // RFC 4291 section 2.8: a host listens to the solicited-node groups of its addresses; Linux not on a link without neighbour discovery.
  ['IPv6: an echo request to ff02::1:ff00:1', [], [ECHO_V6]],
  // RFC 8200 and RFC 4443 section 3.1 leave it to routers to report this; a host of ours is silent, Linux is not.
  ['IPv6: an echo request to 2001:db8::1', ['ICMP 1/0, 00000000, quotes 64'], []],
  ['IPv6: UDP to a closed port at 2001:db8::1', ['ICMP 1/0, 00000000, quotes 57'], []],
  ['IPv6: an unknown protocol to 2001:db8::1', ['ICMP 1/0, 00000000, quotes 48'], []],
  ['IPv6: an echo request to ::', ['ICMP 1/0, 00000000, quotes 64'], []],
  ['IPv6: UDP to a closed port at ::', ['ICMP 1/0, 00000000, quotes 57'], []],
  ['IPv6: an unknown protocol to ::', ['ICMP 1/0, 00000000, quotes 48'], []],
  // RFC 6554 and RFC 8754: to us these types are unknown (RFC 8200 section 4.4); Linux knows them and has them switched off.
  ['IPv6: a routing header of type 3 with 0 segments left', [], [ECHO_V6]],
  ['IPv6: a routing header of type 3 with 1 segments left', [], ['ICMP 4/0, 0000002a, quotes 88']],
  ['IPv6: a routing header of type 4 with 0 segments left', [], [ECHO_V6]],
  ['IPv6: a routing header of type 4 with 1 segments left', [], ['ICMP 4/0, 0000002a, quotes 88']],
  // We stop at eight headers; RFC 8200 sets no limit, RFC 8504 section 5.3 allows one.
  ['IPv6: nine destination headers', [ECHO_V6], []],
  // RFC 4443 section 2.4 (e.2): no error about a redirect.
  ['IPv6: an unknown destination option before a redirect', ['ICMP 4/2, 0000002a, quotes 88'], []],
];

/** By the title of the question. */
export const knownDifferences: ReadonlyMap<string, Difference> = new Map(
  rows.map(([title, kernel, ours]) => [title, { kernel, ours }]),
);
