/** Random calls on a few sockets of AF_UNIX, and what each answers: a list of steps can be taken on any world. */
import fc from 'fast-check';
import { SO_ERROR, SOL_SOCKET } from './sockets.ts';
import { type Answer, octets, type UnixKind, type UnixSocket, type UnixWorld } from './unix-sockets.ts';

/** A call, on the socket at a place of the table. */
export interface Step {
  readonly call: keyof typeof calls;
  readonly place: number;
  /** Another place, for what a call makes. */
  readonly other: number;
  readonly kind: UnixKind;
  readonly name: string;
  readonly number: number;
}

type Table = (UnixSocket | null)[];

const places = 4;
const names = ['a', 'b', '@a', '@b', 'c'] as const;

type Call = (socket: UnixSocket, step: Step, table: Table, world: UnixWorld) => Answer | Promise<Answer>;

/** Puts a socket at a place, whose socket is closed before. */
async function put(table: Table, place: number, socket: UnixSocket): Promise<void> {
  await table[place]?.close();
  table[place] = socket;
}

/** A message of a sequence has an octet at least: unread empty ones are one of the known differences. */
const some = (text: string, count: number, { kind }: UnixSocket): Uint8Array =>
  octets(text.slice(0, kind === 'seqpacket' ? count + 1 : count));

const calls = {
  bind: (socket, { name }, _, world) => socket.bind(world.nameOf(name)),
  bindToAny: (socket) => socket.bind(''),
  listen: (socket, { number }) => socket.listen(number % 3),
  accept: async (socket, { other }, table) => {
    const { answer, socket: next } = await socket.accept();
    if (next !== null) await put(table, other, next);
    return answer;
  },
  connect: (socket, { name }, _, world) => socket.connect(world.nameOf(name)),
  disconnect: (socket) => socket.connect(null),
  send: (socket, { number }) => socket.send(some('abcdef', number, socket), 0, null),
  sendto: (socket, { number, name }, _, world) => socket.send(some('uvwxyz', number, socket), 0, world.nameOf(name)),
  /** Almost as often as a queue of datagrams has room. */
  flood: async (socket, { name, number }, _, world) => {
    const answers: Answer[] = [];
    const to = number % 2 === 0 || socket.kind !== 'dgram' ? null : world.nameOf(name);
    for (let sent = 0; sent < 10; sent++) answers.push(await socket.send(octets('x'), 0, to));
    return answers.join(' ');
  },
  recv: (socket) => socket.recv(100, 0),
  recvLittle: (socket, { number }) => socket.recv(number + 1, 0),
  peek: (socket) => socket.recv(100, 2),
  shutdown: (socket, { number }) => socket.shutdown(number % 3),
  getsockname: (socket) => socket.getsockname(),
  getpeername: (socket) => socket.getpeername(),
  error: (socket) => socket.getoption(SOL_SOCKET, SO_ERROR),
  inq: (socket) => socket.inq(),
  close: async (socket, { place }, table) => {
    await socket.close();
    table[place] = null;
    return 'ok';
  },
  unlink: (_socket, { name }, _table, world) => (name.startsWith('@') ? 'no path' : world.unlink(world.nameOf(name))),
  pair: async (_socket, { place, other, kind }, table, world) => {
    const [one, two] = world.pair(kind);
    await put(table, place, one);
    await put(table, other, two);
    return 'ok';
  },
} satisfies Record<string, Call>;

/** The calls that get a run anywhere come more often. */
const weights: Readonly<Partial<Record<Step['call'], number>>> = {
  bind: 3,
  connect: 5,
  listen: 3,
  accept: 4,
  send: 4,
  recv: 3,
};

/** Sockets are mostly of one type. */
const steps = (kind: UnixKind): fc.Arbitrary<readonly Step[]> =>
  fc.array(
    fc.record({
      call: fc.oneof(
        ...(Object.keys(calls) as Step['call'][]).map((call) => ({
          arbitrary: fc.constant(call),
          weight: weights[call] ?? 1,
        })),
      ),
      place: fc.nat(places - 1),
      other: fc.nat(places - 1),
      kind: fc.oneof(
        { arbitrary: fc.constant(kind), weight: 12 },
        { arbitrary: fc.constantFrom<UnixKind>('stream', 'dgram', 'seqpacket'), weight: 1 },
      ),
      name: fc.constantFrom(...names),
      number: fc.nat(5),
    }),
    { minLength: 5, maxLength: 25, size: 'max' },
  );

/** What a run is made from. */
export const anySteps: fc.Arbitrary<readonly Step[]> = fc
  .constantFrom<UnixKind>('stream', 'dgram', 'seqpacket')
  .chain(steps);

/** Takes the steps. An answer is of the call, and of poll for all sockets after it. */
export async function takeSteps(list: readonly Step[], world: UnixWorld): Promise<string[]> {
  const table: Table = Array.from({ length: places }, () => null);
  const answers: string[] = [];
  for (const step of list) {
    table[step.place] ??= world.open(step.kind);
    const call: Call = calls[step.call];
    const answer = await call(table[step.place]!, step, table, world);
    const polls = table.map((socket) => pollOf(socket)).join(' ');
    answers.push(`${describe(step)}: ${answer} [${polls}]`);
  }
  for (const socket of table) await socket?.close();
  return answers;
}

/** An error is something to read, as for select: the kernel's poll says so of most sockets, ours of all. */
const pollOf = (socket: UnixSocket | null): Answer => socket?.poll().replace(/^w?e/, (told) => `r${told}`) ?? '.';

const describe = ({ call, place, other, kind, name, number }: Step): string =>
  `${place} (${kind}) ${call}(${name}, ${number}, ${other})`;
