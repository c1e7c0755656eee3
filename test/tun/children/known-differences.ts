/** Where the answers of Linux and ours differ and both may be, or Linux is the odd one: in the words of kernel-answers.test.ts. */

export interface Difference {
  readonly kernel: readonly string[];
  readonly ours: readonly string[];
}

type Row = readonly [title: string, kernel: readonly string[], ours: readonly string[]];

const ECHO_V4 = 'ICMP 0/0, 12340005, data 00070e151c232a31383f464d545b6269';
const ECHO_V6 = 'ICMP 129/0, 12340005, data 00070e151c232a31383f464d545b6269';

const rows: readonly Row[] = [
  // RFC 1122 section 3.2.2 and RFC 4443 want the octets as they came: Linux cuts off what is behind the end of UDP.
  ['IPv4: UDP with octets behind its end', ['ICMP 3/3, 00000000, quotes 40'], ['ICMP 3/3, 00000000, quotes 43']],
  ['IPv6: UDP with octets behind its end', ['ICMP 1/4, 00000000, quotes 60'], ['ICMP 1/4, 00000000, quotes 63']],
  // Linux has no broadcast address on a point-to-point interface; ours is that of the prefix (RFC 1122 section 3.2.1.3).
  ['IPv4: an echo request from 10.0.0.255', [`${ECHO_V4}, to 10.0.0.255`], []],
  ['IPv4: UDP to a closed port from 10.0.0.255', ['ICMP 3/3, 00000000, quotes 37, to 10.0.0.255'], []],
  // Answers in the class of the question are left open (RFC 2474 has replaced RFC 1349): ours have none.
  [
    'IPv4: TCP to a closed port with a TOS of its own',
    ['TCP 4444 > 5555, flags 14, seq 0, ack 1000001, wnd 0, 20 octets, priority 28'],
    ['TCP 4444 > 5555, flags 14, seq 0, ack 1000001, wnd 0, 20 octets'],
  ],
  [
    'IPv6: TCP to a closed port with a traffic class and a flow label',
    ['TCP 4444 > 5555, flags 14, seq 0, ack 1000001, wnd 0, 20 octets, priority b8'],
    ['TCP 4444 > 5555, flags 14, seq 0, ack 1000001, wnd 0, 20 octets'],
  ],
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
  // Source routes are refused in silence by both; Linux looks first whether they are well formed.
  ['IPv4: an echo request with a source route too short', ['ICMP 12/0, 15000000, quotes 48'], []],
  ['IPv4: UDP to a closed port with a source route too short', ['ICMP 12/0, 15000000, quotes 44'], []],
  // RFC 791 says nothing of such a piece: we drop it, Linux drops its last octets.
  ['IPv4: a piece that is not the last and no multiple of 8', [ECHO_V4], []],
  // RFC 4291 section 2.8: a host listens to the solicited-node groups of its addresses; Linux not on a link without neighbour discovery.
  ['IPv6: an echo request to ff02::1:ff00:1', [], [ECHO_V6]],
  // RFC 8200 and RFC 4443 section 3.1 leave it to routers to report this; a host of ours is silent, Linux is not.
  ['IPv6: an echo request to 2001:db8::1', ['ICMP 1/0, 00000000, quotes 64'], []],
  ['IPv6: UDP to a closed port at 2001:db8::1', ['ICMP 1/0, 00000000, quotes 57'], []],
  ['IPv6: an unknown protocol to 2001:db8::1', ['ICMP 1/0, 00000000, quotes 48'], []],
  ['IPv6: an echo request to ::', ['ICMP 1/0, 00000000, quotes 64'], []],
  ['IPv6: UDP to a closed port at ::', ['ICMP 1/0, 00000000, quotes 57'], []],
  ['IPv6: an unknown protocol to ::', ['ICMP 1/0, 00000000, quotes 48'], []],
  // Linux reads hop-by-hop options before it looks whether it is a member of the group.
  ['IPv6: an unknown hop-by-hop option 0x9e to ff05::99', ['ICMP 4/2, 0000002a, quotes 72'], []],
  // RFC 4942 section 2.1.9.5 warns of odd padding, RFC 8200 section 4.2 does not forbid to take it.
  ['IPv6: a hop-by-hop header with a PadN of 11', [], [ECHO_V6]],
  ['IPv6: a hop-by-hop header with octets in its padding', [], [ECHO_V6]],
  ['IPv6: a destination header with a PadN of 11', [], [ECHO_V6]],
  ['IPv6: a destination header with octets in its padding', [], [ECHO_V6]],
  // RFC 6554 and RFC 8754: to us these types are unknown (RFC 8200 section 4.4); Linux knows them and has them switched off.
  ['IPv6: a routing header of type 3 with 0 segments left', [], [ECHO_V6]],
  ['IPv6: a routing header of type 3 with 1 segments left', [], ['ICMP 4/0, 0000002a, quotes 88']],
  ['IPv6: a routing header of type 4 with 0 segments left', [], [ECHO_V6]],
  ['IPv6: a routing header of type 4 with 1 segments left', [], ['ICMP 4/0, 0000002a, quotes 88']],
  // We stop at eight headers; RFC 8200 sets no limit, RFC 8504 section 5.3 allows one.
  ['IPv6: nine destination headers', [ECHO_V6], []],
  // RFC 8200 section 4.5 has no error for this, Linux sends one.
  ['IPv6: a fragment header cut short', ['ICMP 4/0, 00000028, quotes 44'], []],
  // RFC 8200 section 4.1: each header at most once; whoever meets a second one may go on.
  ['IPv6: an atomic fragment inside of another', ['ICMP 4/0, 00000030, quotes 80'], [ECHO_V6]],
  // RFC 4443 section 2.4 (e.2): no error about a redirect.
  ['IPv6: an unknown destination option before a redirect', ['ICMP 4/2, 0000002a, quotes 88'], []],
];

/** By the title of the question. */
export const knownDifferences: ReadonlyMap<string, Difference> = new Map(
  rows.map(([title, kernel, ours]) => [title, { kernel, ours }]),
);
