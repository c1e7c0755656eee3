/** Local communication by itself: names, queues, ends, and that everything is given back. What Linux answers is unix(7)'s. */
import test, { type ExecutionContext } from 'ava';
import { ChangedList } from '../../src/stack/base/ready.ts';
import { StackError, UnixEndpoint, type UnixType } from '../../src/stack/index.ts';
import { Unix } from '../../src/stack/unix/unix.ts';

const types = ['stream', 'seqpacket', 'dgram'] as const;
const connections = ['stream', 'seqpacket'] as const;
/** What a sender may have waiting at a receiver, by default. */
const limit = 212_992;

interface Stage {
  readonly unix: Unix;
  readonly changed: ChangedList;
}

function stage(): Stage {
  const changed = new ChangedList();
  return { unix: new Unix(changed), changed };
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** The code of the error, 'ok' when there is none. */
function codeOf(act: () => unknown): string {
  try {
    act();
    return 'ok';
  } catch (error) {
    if (!(error instanceof StackError)) throw error;
    return error.code;
  }
}

const ends = (t: ExecutionContext, code: string, act: () => unknown): void => {
  t.is(codeOf(act), code);
};

/** What is there: text, 'end', or the error. */
function read(unix: Unix, endpoint: UnixEndpoint, most = 100): string {
  let told = '';
  const code = codeOf(() => {
    const message = unix.receive(endpoint, most, false);
    told = message === null ? 'end' : new TextDecoder().decode(message.data);
  });
  return code === 'ok' ? told : code;
}

/** Those who are told, each once. */
function woken(changed: ChangedList): Set<unknown> {
  const all = new Set<unknown>();
  for (let next = changed.take(); next !== null; next = changed.take()) all.add(next);
  return all;
}

function open(unix: Unix, type: UnixType, name: string): UnixEndpoint {
  const endpoint = unix.open(type);
  unix.bind(endpoint, name);
  return endpoint;
}

function listening(unix: Unix, type: UnixType, backlog = 5): UnixEndpoint {
  const listener = open(unix, type, '/listener');
  unix.listen(listener, backlog);
  return listener;
}

function connected(unix: Unix, type: UnixType): readonly [client: UnixEndpoint, server: UnixEndpoint] {
  const listener = listening(unix, type);
  const client = unix.open(type);
  unix.connect(client, '/listener');
  return [client, unix.accept(listener)!];
}

/** Sends until there is no room. @returns how often, and how many octets in all */
function fill(unix: Unix, endpoint: UnixEndpoint, data: Uint8Array, name: string | null = null): [number, number] {
  let [times, octets] = [0, 0];
  for (; times < 1_000_000; times++) {
    const code = codeOf(() => {
      octets += unix.send(endpoint, data, name);
    });
    if (code === 'EAGAIN') return [times, octets];
    if (code !== 'ok') throw new Error(code);
  }
  throw new Error('there is always room');
}

// Names ----------------------------------------------------------------------------------------------------------------

test('A name is had by one socket, of whatever type', (t) => {
  const { unix } = stage();
  open(unix, 'stream', '/a');

  for (const type of types) ends(t, 'EADDRINUSE', () => unix.bind(unix.open(type), '/a'));
  ends(t, 'ok', () => unix.bind(unix.open('dgram'), '/b'));
});

test('An octet of a path that is no UTF-8, a half surrogate in its text, counts as one', (t) => {
  const { unix } = stage();

  ends(t, 'ok', () => open(unix, 'dgram', `/${'\udcff'.repeat(106)}`));
  ends(t, 'ENAMETOOLONG', () => open(unix, 'dgram', `/${'\udcff'.repeat(107)}`));
});

test('A path has at most 107 octets of UTF-8, whoever names it', (t) => {
  const { unix } = stage();
  const long = `/${'é'.repeat(53)}`;

  ends(t, 'ok', () => open(unix, 'dgram', long));
  ends(t, 'ENAMETOOLONG', () => open(unix, 'dgram', `${long}x`));
  ends(t, 'ENAMETOOLONG', () => open(unix, 'dgram', `/${'🙂'.repeat(26)}xxx`));
  ends(t, 'ENAMETOOLONG', () => unix.connect(unix.open('stream'), `${long}x`));
  ends(t, 'ENAMETOOLONG', () => unix.send(unix.open('dgram'), bytes('x'), `${long}x`));
});

test('A closed socket leaves its path, which nobody can bind or reach until it is unlinked', (t) => {
  for (const type of types) {
    const { unix } = stage();
    unix.close(open(unix, type, '/a'));

    t.deepEqual(unix.paths, ['/a']);
    ends(t, 'EADDRINUSE', () => open(unix, type, '/a'));
    ends(t, 'ECONNREFUSED', () => unix.connect(unix.open(type), '/a'));
    unix.unlink('/a');
    t.deepEqual(unix.paths, []);
    ends(t, 'ENOENT', () => unix.connect(unix.open(type), '/a'));
    ends(t, 'ok', () => open(unix, type, '/a'));
  }
});

test('An abstract name goes with its socket, is no path and cannot be unlinked', (t) => {
  const { unix } = stage();
  const socket = open(unix, 'dgram', '\0a');

  ends(t, 'EADDRINUSE', () => open(unix, 'dgram', '\0a'));
  t.deepEqual(unix.paths, []);
  ends(t, 'ENOENT', () => unix.unlink('\0a'));
  unix.close(socket);
  ends(t, 'ECONNREFUSED', () => unix.connect(unix.open('dgram'), '\0a'));
  ends(t, 'ok', () => open(unix, 'dgram', '\0a'));
});

test('Each type has abstract names of its own: the same one is there for another type, and reaches nobody else', (t) => {
  const { unix } = stage();
  for (const type of types) ends(t, 'ok', () => open(unix, type, '\0a'));

  ends(t, 'EADDRINUSE', () => open(unix, 'stream', '\0a'));
  open(unix, 'dgram', '\0b');
  ends(t, 'ECONNREFUSED', () => unix.connect(unix.open('stream'), '\0b'));
});

test('Abstract names are compared whole, NUL octets and all', (t) => {
  const { unix } = stage();
  open(unix, 'dgram', '\0a');

  ends(t, 'ok', () => open(unix, 'dgram', '\0a\0'));
  ends(t, 'ok', () => open(unix, 'dgram', 'a'));
});

test('Who asks for no name in particular gets five hexadecimal digits that nobody has', (t) => {
  const { unix } = stage();
  open(unix, 'stream', '\0' + '00001');
  const names = Array.from({ length: 100 }, () => open(unix, 'stream', '').name);

  t.is(new Set([...names, '\0' + '00001']).size, 101);
  t.deepEqual(
    names.filter((name) => !/^\0[0-9a-f]{5}$/.test(name)),
    [],
  );
});

test('Unlinking takes the name, not the socket: connections and who listens stay, and a new socket may have the name', (t) => {
  const { unix } = stage();
  const listener = listening(unix, 'stream');
  const early = unix.open('stream');
  unix.connect(early, '/listener');

  unix.unlink('/listener');

  ends(t, 'ENOENT', () => unix.unlink('/listener'));
  ends(t, 'ENOENT', () => unix.connect(unix.open('stream'), '/listener'));
  const server = unix.accept(listener)!;
  unix.send(early, bytes('still'), null);
  t.is(read(unix, server), 'still');
  const second = open(unix, 'stream', '/listener');
  unix.close(listener);
  ends(t, 'EADDRINUSE', () => unix.bind(unix.open('stream'), '/listener'));
  unix.listen(second, 0);
  ends(t, 'ok', () => unix.connect(unix.open('stream'), '/listener'));
});

// Connections ----------------------------------------------------------------------------------------------------------

for (const type of connections) {
  test(`${type}: backlog + 1 connections wait, in order; the next finds room when one is accepted, and is told`, (t) => {
    const { unix, changed } = stage();
    const listener = listening(unix, type, 2);
    const early = [1, 2, 3].map(() => unix.open(type));
    for (const one of early) unix.connect(one, '/listener');
    const late = unix.open(type);

    ends(t, 'EAGAIN', () => unix.connect(late, '/listener'));
    t.false(unix.mayConnect('/listener', type));
    woken(changed);
    const first = unix.accept(listener)!;
    t.is(first.peer, early[0]!);
    t.true(woken(changed).has(late));
    t.true(unix.mayConnect('/listener', type));
    ends(t, 'ok', () => unix.connect(late, '/listener'));
    t.deepEqual(
      [0, 0, 0].map(() => unix.accept(listener)?.peer),
      [early[1], early[2], late],
    );
    t.is(unix.accept(listener), null);
  });

  test(`${type}: a backlog of 0 lets one wait, a larger one given later lets more`, (t) => {
    const { unix } = stage();
    const listener = listening(unix, type, 0);
    unix.connect(unix.open(type), '/listener');

    ends(t, 'EAGAIN', () => unix.connect(unix.open(type), '/listener'));
    unix.listen(listener, 1);
    ends(t, 'ok', () => unix.connect(unix.open(type), '/listener'));
    ends(t, 'EAGAIN', () => unix.connect(unix.open(type), '/listener'));
  });

  test(`${type}: however long the backlog, 4097 connections wait at most`, (t) => {
    const { unix } = stage();
    listening(unix, type, 2 ** 31);
    let waiting = 0;
    while (codeOf(() => unix.connect(unix.open(type), '/listener')) === 'ok') waiting++;

    t.is(waiting, 4097);
  });

  test(`${type}: who listens cannot connect`, (t) => {
    const { unix } = stage();
    const listener = listening(unix, type);

    ends(t, 'EINVAL', () => unix.connect(listener, '/listener'));
    ends(t, 'EINVAL', () => unix.connect(listener, null));
    t.is(unix.accept(listener), null);
  });

  test(`${type}: what was sent before accept is there after it, also from one who has closed meanwhile`, (t) => {
    const { unix } = stage();
    const listener = listening(unix, type);
    const client = unix.open(type);
    unix.connect(client, '/listener');
    unix.send(client, bytes('early'), null);
    unix.close(client);

    const server = unix.accept(listener)!;

    t.is(read(unix, server), 'early');
    t.is(read(unix, server), 'end');
  });

  test(`${type}: who waits at a listener that is closed is reset, once`, (t) => {
    const { unix, changed } = stage();
    const listener = listening(unix, type);
    const client = unix.open(type);
    unix.connect(client, '/listener');
    woken(changed);

    unix.close(listener);

    t.true(woken(changed).has(client));
    t.is(read(unix, client), 'ECONNRESET');
    t.is(read(unix, client), 'end');
    ends(t, 'EPIPE', () => unix.send(client, bytes('x'), null));
  });

  test(`${type}: who waits for room at a listener that is closed is told, and refused`, (t) => {
    const { unix, changed } = stage();
    const listener = listening(unix, type, 0);
    unix.connect(unix.open(type), '/listener');
    const waiting = unix.open(type);
    ends(t, 'EAGAIN', () => unix.connect(waiting, '/listener'));
    woken(changed);

    unix.close(listener);

    t.true(woken(changed).has(waiting));
    t.true(unix.mayConnect('/listener', type));
    ends(t, 'ECONNREFUSED', () => unix.connect(waiting, '/listener'));
  });

  test(`${type}: connecting needs somebody of the same type who listens`, (t) => {
    const { unix } = stage();
    open(unix, type, '/bound');
    open(unix, 'dgram', '/dgram');
    const socket = unix.open(type);

    ends(t, 'ENOENT', () => unix.connect(socket, '/nobody'));
    ends(t, 'ECONNREFUSED', () => unix.connect(socket, '\0nobody'));
    ends(t, 'ECONNREFUSED', () => unix.connect(socket, '/bound'));
    ends(t, 'EPROTOTYPE', () => unix.connect(socket, '/dgram'));
    listening(unix, type);
    ends(t, 'ok', () => unix.connect(socket, '/listener'));
    ends(t, 'EISCONN', () => unix.connect(socket, '/listener'));
  });

  test(`${type}: listening needs a name and no peer; accepting needs listening`, (t) => {
    const { unix } = stage();
    const fresh = unix.open(type);

    ends(t, 'EINVAL', () => unix.listen(fresh, 1));
    ends(t, 'EINVAL', () => unix.accept(open(unix, type, '/bound')));
    const [client, server] = connected(unix, type);
    unix.bind(client, '/client');
    ends(t, 'EINVAL', () => unix.listen(client, 1));
    ends(t, 'EINVAL', () => unix.listen(server, 1));
  });

  test(`${type}: a close after reading everything is the end; before it, a reset`, (t) => {
    const { unix, changed } = stage();
    const [client, server] = connected(unix, type);
    unix.send(client, bytes('read'), null);
    t.is(read(unix, server), 'read');
    woken(changed);

    unix.close(server);

    t.true(woken(changed).has(client));
    t.is(read(unix, client), 'end');
    ends(t, 'EPIPE', () => unix.send(client, bytes('x'), null));

    const [one, other] = unix.pair(type);
    unix.send(one, bytes('unread'), null);
    unix.close(other);
    t.is(read(unix, one), 'ECONNRESET');
    t.is(read(unix, one), 'end');
  });

  test(`${type}: shutting ends one direction for both ends, after what is there has been read`, (t) => {
    const { unix, changed } = stage();
    const [one, other] = connected(unix, type);
    unix.send(one, bytes('last'), null);
    woken(changed);

    unix.shutdown(one, false, true);

    t.true(woken(changed).has(other));
    ends(t, 'EPIPE', () => unix.send(one, bytes('x'), null));
    t.is(read(unix, other), 'last');
    t.is(read(unix, other), 'end');
    t.is(unix.send(other, bytes('back'), null), 4);
    t.is(read(unix, one), 'back');
    t.is(read(unix, one), 'EAGAIN');
    unix.shutdown(one, true, false);
    ends(t, 'EPIPE', () => unix.send(other, bytes('x'), null));
    t.is(read(unix, one), 'end');
  });

  test(`${type}: a listener that no longer reads refuses, and whoever waits for a connection is told`, (t) => {
    const { unix, changed } = stage();
    const listener = listening(unix, type);
    woken(changed);

    unix.shutdown(listener, true, false);

    t.true(woken(changed).has(listener));
    ends(t, 'ECONNREFUSED', () => unix.connect(unix.open(type), '/listener'));
  });

  test(`${type}: a pair is connected, nameless and of its type`, (t) => {
    const { unix } = stage();
    const [one, other] = unix.pair(type);

    t.deepEqual([one.name, other.name, one.type, other.type], ['', '', type, type]);
    unix.send(one, bytes('there'), null);
    unix.send(other, bytes('back'), null);
    t.deepEqual([read(unix, other), read(unix, one)], ['there', 'back']);
    t.deepEqual(unix.paths, []);
    listening(unix, type);
    ends(t, 'EISCONN', () => unix.connect(one, '/listener'));
  });
}

// Streams --------------------------------------------------------------------------------------------------------------

test('A stream has no boundaries: octets come in order, as many as are asked for', (t) => {
  const { unix } = stage();
  const [one, other] = connected(unix, 'stream');
  for (const text of ['abc', '', 'def']) unix.send(one, bytes(text), null);

  t.is(read(unix, other, 2), 'ab');
  t.is(read(unix, other, 100), 'cdef');
  t.is(read(unix, other), 'EAGAIN');
});

test('A peek leaves the octets, and their room, where they are', (t) => {
  const { unix } = stage();
  const [one, other] = connected(unix, 'stream');
  unix.send(one, bytes('abc'), null);

  t.deepEqual(unix.receive(other, 2, true)?.data, bytes('ab'));
  t.is(other.held, 3);
  t.is(read(unix, other), 'abc');
});

test('A stream takes what fits, then waits; the sender is told when there is room, the reader when there is text', (t) => {
  const { unix, changed } = stage();
  const [one, other] = connected(unix, 'stream');
  woken(changed);

  t.is(unix.send(one, new Uint8Array(limit + 1000), null), limit);
  t.true(woken(changed).has(other));
  ends(t, 'EAGAIN', () => unix.send(one, bytes('x'), null));
  t.false(unix.isWritable(one));
  t.true(unix.isWritable(other)); // the other direction is its own
  unix.receive(other, 1000, false);
  t.true(woken(changed).has(one));
  t.is(unix.send(one, new Uint8Array(5000), null), 1000);
  while (unix.receive(other, 50_000, false)!.data.length === 50_000);
  t.true(unix.isWritable(one));
});

test('What is sent is copied', (t) => {
  for (const type of connections) {
    const { unix } = stage();
    const [one, other] = unix.pair(type);
    const data = bytes('abc');
    unix.send(one, data, null);
    data.fill(0);

    t.is(read(unix, other), 'abc');
  }
});

// Messages -------------------------------------------------------------------------------------------------------------

for (const type of ['seqpacket', 'dgram'] as const) {
  test(`${type}: each message comes by itself, an empty one too`, (t) => {
    const { unix } = stage();
    const [one, other] = unix.pair(type);
    for (const text of ['abc', '', 'def']) unix.send(one, bytes(text), null);

    t.deepEqual([read(unix, other), read(unix, other), read(unix, other)], ['abc', '', 'def']);
    t.is(read(unix, other), 'EAGAIN');
  });

  test(`${type}: a message that is longer than what is asked for is told whole, and is gone`, (t) => {
    const { unix } = stage();
    const [one, other] = unix.pair(type);
    unix.send(one, bytes('abcdef'), null);
    unix.send(one, bytes('next'), null);

    t.is(unix.receive(other, 2, false)?.data.length, 6);
    t.is(read(unix, other, 10), 'next');
  });

  test(`${type}: a message has at most 32 octets less than the send buffer`, (t) => {
    const { unix } = stage();
    const [one, other] = unix.pair(type);

    ends(t, 'EMSGSIZE', () => unix.send(one, new Uint8Array(limit - 31), null));
    t.is(unix.send(one, new Uint8Array(limit - 32), null), limit - 32);
    t.is(unix.receive(other, 10, false)?.data.length, limit - 32);
  });

  test(`${type}: messages of a peer are bounded, empty ones too, and reading them makes room and tells`, (t) => {
    const { unix, changed } = stage();
    for (const size of [0, 1, 1000, 60_000]) {
      const [one, other] = unix.pair(type);
      const [times, octets] = fill(unix, one, new Uint8Array(size));
      woken(changed);

      t.true(times > 1 && times <= 4096, `${times} of ${size}`);
      t.true(octets <= limit && other.held <= limit * 2, `${octets} of ${size}`);
      for (let left = times; left > 0; left--) unix.receive(other, 0, false);
      t.true(woken(changed).has(one));
      t.is(other.held, 0);
      t.deepEqual(fill(unix, one, new Uint8Array(size)), [times, octets]);
    }
  });
}

test('Datagrams go to names, and say where they come from', (t) => {
  const { unix, changed } = stage();
  const target = open(unix, 'dgram', '/target');
  const named = open(unix, 'dgram', '/from');

  t.is(unix.send(named, bytes('abc'), '/target'), 3);
  t.true(woken(changed).has(target));
  t.is(unix.send(unix.open('dgram'), bytes('x'), '/target'), 1);
  t.is(unix.receive(target, 9, false)?.from, '/from');
  t.is(unix.receive(target, 9, false)?.from, '');
});

test('Datagrams need a target: one of their type, that reads, is open, and has no other peer', (t) => {
  const { unix } = stage();
  const socket = unix.open('dgram');
  const send = (name: string | null) => codeOf(() => unix.send(socket, bytes('x'), name));
  open(unix, 'stream', '/stream');
  unix.close(open(unix, 'dgram', '/left'));
  const deaf = open(unix, 'dgram', '/deaf');
  unix.shutdown(deaf, true, false);
  open(unix, 'dgram', '/third');
  const engaged = open(unix, 'dgram', '/engaged');
  unix.connect(engaged, '/third');

  t.is(send(null), 'ENOTCONN');
  t.is(send('/nobody'), 'ENOENT');
  t.is(send('\0nobody'), 'ECONNREFUSED');
  t.is(send('/left'), 'ECONNREFUSED');
  t.is(send('/stream'), 'EPROTOTYPE');
  t.is(send('/deaf'), 'EPIPE');
  t.is(send('/engaged'), 'EPERM');
  ends(t, 'EPERM', () => unix.connect(socket, '/engaged'));
  ends(t, 'EPROTOTYPE', () => unix.connect(socket, '/stream'));
  t.is(send('/third'), 'ok');
});

test('A datagram socket may change its peer, let it go, be its own, and send elsewhere meanwhile', (t) => {
  const { unix } = stage();
  const [a, b] = [open(unix, 'dgram', '/a'), open(unix, 'dgram', '/b')];
  const socket = open(unix, 'dgram', '/socket');

  unix.connect(socket, '/a');
  unix.send(socket, bytes('one'), null);
  unix.send(socket, bytes('two'), '/b');
  unix.connect(socket, '/b');
  unix.send(socket, bytes('three'), null);
  unix.connect(socket, null);
  ends(t, 'ENOTCONN', () => unix.send(socket, bytes('x'), null));
  unix.connect(socket, '/socket');
  unix.send(socket, bytes('mine'), null);
  t.deepEqual([read(unix, a), read(unix, a)], ['one', 'EAGAIN']);
  t.deepEqual([read(unix, b), read(unix, b)], ['two', 'three']);
  t.is(read(unix, socket), 'mine');
});

test('Eleven datagrams of others wait at most, and those for whom there was no room are told', (t) => {
  const { unix, changed } = stage();
  const target = open(unix, 'dgram', '/target');
  const [peer, stranger] = [unix.open('dgram'), unix.open('dgram')];
  unix.connect(peer, '/target');

  t.is(fill(unix, stranger, bytes('x'), '/target')[0], 11);
  ends(t, 'EAGAIN', () => unix.send(peer, bytes('x'), null));
  t.false(unix.isWritable(peer));
  woken(changed);
  read(unix, target);
  const told = woken(changed);
  t.true(told.has(peer) && told.has(stranger));
  t.true(unix.isWritable(peer));
  ends(t, 'ok', () => unix.send(peer, bytes('x'), null));
});

test('A datagram peer that has closed refuses once, then it is nobody’s peer', (t) => {
  const { unix } = stage();
  const peer = open(unix, 'dgram', '/peer');
  const socket = unix.open('dgram');
  unix.connect(socket, '/peer');
  unix.close(peer);

  ends(t, 'ECONNREFUSED', () => unix.send(socket, bytes('x'), null));
  ends(t, 'ENOTCONN', () => unix.send(socket, bytes('x'), null));
});

test('Datagrams neither listen nor accept', (t) => {
  const { unix } = stage();
  const socket = open(unix, 'dgram', '/a');

  ends(t, 'EOPNOTSUPP', () => unix.listen(socket, 1));
  ends(t, 'EOPNOTSUPP', () => unix.accept(socket));
});

/** Each is the other's peer. */
function mutual(unix: Unix): readonly [UnixEndpoint, UnixEndpoint] {
  const [a, b] = [open(unix, 'dgram', '/a'), open(unix, 'dgram', '/b')];
  unix.connect(a, '/b');
  unix.connect(b, '/a');
  return [a, b];
}

test('Who leaves a peer loses what waited to be read, and the peer, if it is one of it, is reset; else it is not', (t) => {
  for (const isUnread of [true, false]) {
    const { unix, changed } = stage();
    const [a, b] = mutual(unix);
    if (isUnread) unix.send(b, bytes('unread'), null);
    woken(changed);

    unix.connect(a, null);

    t.is(read(unix, a), 'EAGAIN');
    t.is(a.held, 0);
    t.is(woken(changed).has(b), isUnread);
    unix.send(open(unix, 'dgram', '/c'), bytes('later'), '/a');
    t.is(read(unix, b), isUnread ? 'ECONNRESET' : 'EAGAIN');
    t.is(read(unix, b), 'EAGAIN');
    t.is(read(unix, a), 'later');
  }
});

test('A reset of a datagram socket comes before what waits to be read, and from whatever is asked first', (t) => {
  for (const first of ['receive', 'send'] as const) {
    const { unix } = stage();
    const [a, b] = mutual(unix);
    unix.send(b, bytes('unread'), null);
    unix.send(a, bytes('kept'), null);
    unix.connect(a, null);

    if (first === 'receive') t.is(read(unix, b), 'ECONNRESET');
    else ends(t, 'ECONNRESET', () => unix.send(b, bytes('x'), null));
    t.is(read(unix, b), 'kept');
    ends(t, 'ok', () => unix.send(b, bytes('x'), null));
  }
});

test('Who waits for room at a socket that throws away what it had is told', (t) => {
  const { unix, changed } = stage();
  const [a, b] = [open(unix, 'dgram', '/a'), open(unix, 'dgram', '/b')];
  unix.connect(a, '/b');
  fill(unix, b, new Uint8Array(50_000), '/a');
  woken(changed);

  unix.connect(a, null);

  t.true(woken(changed).has(b));
  ends(t, 'ok', () => unix.send(b, bytes('x'), '/a'));
});

test('A reset of a sequence of messages comes before them; of a stream after its octets, and not from sending', (t) => {
  const { unix } = stage();
  for (const type of connections) {
    const [one, other] = unix.pair(type);
    unix.send(one, bytes('unread'), null);
    unix.send(other, bytes('last'), null);
    unix.close(other);

    if (type === 'stream') ends(t, 'EPIPE', () => unix.send(one, bytes('x'), null));
    const [first, second] = [read(unix, one), read(unix, one)];
    t.deepEqual([first, second], type === 'stream' ? ['last', 'ECONNRESET'] : ['ECONNRESET', 'last']);
    t.is(read(unix, one), 'end');
  }
  const [one, other] = unix.pair('seqpacket');
  unix.send(one, bytes('unread'), null);
  unix.close(other);
  ends(t, 'ECONNRESET', () => unix.send(one, bytes('x'), null));
  ends(t, 'EPIPE', () => unix.send(one, bytes('x'), null));
});

test('A datagram socket that is shut is at its end for who would wait, and has nothing now for who would not', (t) => {
  const { unix } = stage();
  const socket = open(unix, 'dgram', '/a');
  unix.send(unix.open('dgram'), bytes('x'), '/a');
  unix.shutdown(socket, true, false);

  t.is(read(unix, socket), 'x');
  t.is(read(unix, socket), 'end');
  ends(t, 'EAGAIN', () => unix.receive(socket, 9, false, false));
  const [one] = unix.pair('seqpacket');
  unix.shutdown(one, true, false);
  t.is(unix.receive(one, 9, false, false), null);
});

test('The name of a sender is the one it has when its message is read, also when it has closed', (t) => {
  const { unix } = stage();
  const target = open(unix, 'dgram', '/target');
  const sender = unix.open('dgram');
  unix.send(sender, bytes('x'), '/target');
  unix.bind(sender, '/late');
  unix.close(sender);

  t.is(unix.receive(target, 9, false)?.from, '/late');
});

// Everything is given back ---------------------------------------------------------------------------------------------

/** All that can be reached from these by fields, collections and so on, without what is private to a class. */
function reachable(...from: readonly unknown[]): Set<unknown> {
  const found = new Set<unknown>();
  const look = (value: unknown): void => {
    if (typeof value !== 'object' || value === null || found.has(value)) return;
    found.add(value);
    for (const next of value instanceof Set || value instanceof Map ? value.values() : Object.values(value)) look(next);
  };
  for (const value of from) look(value);
  return found;
}

function notReached(t: ExecutionContext, socket: UnixEndpoint, ...from: readonly unknown[]): void {
  t.false(reachable(...from).has(socket));
}

test('Closing gives back what has arrived and who waited, and closing again does nothing', (t) => {
  for (const type of types) {
    const { unix } = stage();
    const [one, other] = unix.pair(type);
    unix.send(one, bytes('unread'), null);
    t.true(other.held > 0);

    unix.close(other);
    unix.close(other);

    t.is(other.held, 0);
    t.deepEqual([other.octets.length, other.messages.length, other.peer], [0, 0, null]);
  }
});

test('A listener that is closed lets go of the connections that waited, and of those that had no room', (t) => {
  const { unix, changed } = stage();
  const listener = listening(unix, 'stream', 0);
  const [inside, outside] = [unix.open('stream'), unix.open('stream')];
  unix.connect(inside, '/listener');
  ends(t, 'EAGAIN', () => unix.connect(outside, '/listener'));

  unix.close(listener);
  woken(changed);

  t.is(listener.acceptQueue.length, 0);
  notReached(t, outside, listener);
  notReached(t, inside, listener);
});

test('Who has found no room at a listener and closes is forgotten there', (t) => {
  const { unix } = stage();
  const listener = listening(unix, 'stream', 0);
  unix.connect(unix.open('stream'), '/listener');
  const outside = unix.open('stream');
  ends(t, 'EAGAIN', () => unix.connect(outside, '/listener'));

  unix.close(outside);

  notReached(t, outside, listener);
});

test('Who has found no room at a datagram socket and closes is forgotten there', (t) => {
  const { unix } = stage();
  const target = open(unix, 'dgram', '/target');
  const stranger = unix.open('dgram');
  fill(unix, stranger, bytes('x'), '/target');

  unix.close(stranger);

  notReached(t, stranger, target);
});

test('What was sent to a listener that is closed is thrown away, though the sender is open', (t) => {
  const { unix } = stage();
  const listener = listening(unix, 'stream');
  const client = unix.open('stream');
  unix.connect(client, '/listener');
  unix.send(client, new Uint8Array(100_000), null);

  unix.close(listener);

  const held = [...reachable(client)].map((value) => (value instanceof UnixEndpoint ? value.held : 0));
  t.deepEqual(
    held.filter((octets) => octets > 0),
    [],
  );
});

test('A datagram socket that is closed, or takes another peer, is forgotten by the old one', (t) => {
  const { unix } = stage();
  const target = open(unix, 'dgram', '/target');
  open(unix, 'dgram', '/other');
  const [closing, leaving] = [unix.open('dgram'), unix.open('dgram')];
  for (const socket of [closing, leaving]) unix.connect(socket, '/target');
  t.true(reachable(target).has(closing) && reachable(target).has(leaving));

  unix.close(closing);
  unix.connect(leaving, '/other');

  notReached(t, closing, target);
  notReached(t, leaving, target);
});

test('10,000 connections leave nothing behind', (t) => {
  const { unix, changed } = stage();
  const listener = listening(unix, 'stream', 5);
  for (let round = 0; round < 10_000; round++) {
    const client = unix.open('stream');
    unix.bind(client, '');
    unix.connect(client, '/listener');
    const server = unix.accept(listener)!;
    unix.send(client, bytes('abc'), null);
    unix.close(round % 2 === 0 ? client : server);
    unix.close(round % 2 === 0 ? server : client);
    woken(changed);
  }

  t.deepEqual(unix.paths, ['/listener']);
  t.is(listener.acceptQueue.length, 0);
  t.deepEqual(
    [...reachable(listener)].filter((value) => value instanceof UnixEndpoint),
    [listener],
  );
});
