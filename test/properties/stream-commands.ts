/** What can be done to a `World`, and what the `Model` says to each answer. Every call is one that does not wait. */
import fc from 'fast-check';
import type { LinkSettings } from '../../src/sim/index.ts';
import {
  clientPort,
  constants,
  type End,
  type Lane,
  lanes,
  type Model,
  ms,
  never,
  otherSide,
  type Side,
  seconds,
  text,
  together,
  type World,
} from './stream-model.ts';

export type Command = fc.AsyncCommand<Model, World>;

/** The error texts that the documented module gives. */
const again = 'Resource temporarily unavailable';
const ended = 'Connection closed';
const failures: readonly string[] = [
  'Connection reset by peer',
  'Connection refused',
  'Operation timed out',
  'Software caused connection abort',
  ended,
];

/** A command with its arguments, as a counterexample shows them. */
abstract class Shown {
  protected abstract readonly name: string;

  toString(): string {
    const fields = Object.entries(this).filter(([key]) => key !== 'name');
    return `${this.name}(${fields.map(([key, value]) => `${key}: ${JSON.stringify(value)}`).join(', ')})`;
  }
}

abstract class OfEnd extends Shown {
  readonly lane: number;
  readonly side: Side;

  constructor(lane: number, side: Side) {
    super();
    this.lane = lane;
    this.side = side;
  }

  check({ lanes }: Readonly<Model>): boolean {
    const end = lanes[this.lane]!.ends[this.side];
    return end.isOpen && !end.isClosed;
  }

  protected of(model: Model): { readonly lane: Lane; readonly end: End; readonly peer: End } {
    const lane = model.lanes[this.lane]!;
    return { lane, end: lane.ends[this.side], peer: lane.ends[otherSide(this.side)] };
  }
}

/** A failure is lawful when something has allowed a reset, or nothing has got through for long. */
function failed(what: string, error: string, lane: Lane, end: End, { outage }: Model): void {
  if (!failures.includes(error)) never(`${what}: ${error}`);
  if (!lane.mayReset && outage < mostOutage) never(`${what}: ${error}, and nothing has allowed that`);
  end.hasFailed = true;
  lane.mayReset = true;
}

/** Seconds without a packet that no connection has to survive. */
const mostOutage = 20;

class Connect extends Shown {
  protected readonly name = 'connect';
  readonly lane: number;

  constructor(lane: number) {
    super();
    this.lane = lane;
  }

  check({ lanes }: Readonly<Model>): boolean {
    const { ends, isOpening } = lanes[this.lane]!;
    return !ends.client.isOpen && !isOpening;
  }

  async run(model: Model, world: World): Promise<void> {
    const { ends } = model.lanes[this.lane]!;
    model.lanes[this.lane]!.isOpening = true;
    const sides: readonly Side[] = this.lane === together ? ['client', 'server'] : ['client'];
    for (const side of sides) await world.open(this.lane, side);
    for (const side of sides) {
      const [, error] = await world.connect(this.lane, side);
      if (error !== 'Operation now in progress') never(`connect: ${error}`);
      ends[side].isOpen = true;
    }
  }
}

class ConnectAgain extends OfEnd {
  protected readonly name = 'connectAgain';

  override check(model: Readonly<Model>): boolean {
    return super.check(model) && !model.lanes[this.lane]!.ends[this.side].hasFailed; // that would be another connection
  }

  async run(model: Model, world: World): Promise<void> {
    const { lane, end } = this.of(model);
    const [, error] = await world.connect(this.lane, this.side);
    if (error === null || error === 'Operation already in progress') return;
    if (error !== 'Transport endpoint is already connected') failed('connect', error, lane, end, model);
  }
}

class Accept extends Shown {
  protected readonly name = 'accept';

  check(): boolean {
    return true;
  }

  async run(model: Model, world: World): Promise<void> {
    const [socket, error] = await world.listener.accept();
    if (socket === null) return error === again ? undefined : never(`accept: ${error}`);
    socket.setblocking(false);
    const [peer] = socket.getpeername();
    if (peer === null) return void socket.close(); // reset already
    const lane = model.lanes.findIndex((_, index) => clientPort(index) === peer[1]);
    if (lane < 0 || !model.lanes[lane]!.isOpening) never(`accept: ${peer[1]} has not connected`);
    if (world.sockets[lane]!.server !== null) never(`accept: lane ${lane} twice`);
    world.sockets[lane]!.server = socket;
    model.lanes[lane]!.ends.server.isOpen = true;
  }
}

class Write extends OfEnd {
  protected readonly name = 'write';
  readonly size: number;

  constructor(lane: number, side: Side, size: number) {
    super(lane, side);
    this.size = size;
  }

  async run(model: Model, world: World): Promise<void> {
    const { lane, end, peer } = this.of(model);
    const data = text(this.lane, this.side, end.written, this.size);
    const [count, error] = await world.socket(this.lane, this.side).write(data);
    if (end.isWriteShut && count !== null) never('write: taken after the end');
    if (end.isWriteShut || error === again) return;
    if (error !== null) return failed('write', error, lane, end, model);
    if (end.hasFailed) never('write: taken by a connection that has failed');
    if (count === null || count < 1 || count > this.size) never(`write: ${count} of ${this.size}`);
    end.written += count ?? 0;
    if (peer.readsNothing) lane.mayReset = true; // SHLD-3: nobody will read it
  }
}

class Read extends OfEnd {
  protected readonly name: string = 'read';
  readonly size: number;

  constructor(lane: number, side: Side, size: number) {
    super(lane, side);
    this.size = size;
  }

  async run(model: Model, world: World): Promise<void> {
    const [data, error] = await world.socket(this.lane, this.side).recv(this.size, 0);
    if (error !== null) return this.nothing(model, error);
    this.compare(model, data);
    this.of(model).end.read += data.length;
  }

  protected compare(model: Model, data: Uint8Array): void {
    const { end, peer } = this.of(model);
    if (data.length === 0 || data.length > this.size) never(`read: ${data.length} octets`);
    if (end.read + data.length > peer.written) never('read: more than was written');
    if (end.hasEnded) never('read: after the end');
    const expected = text(this.lane, otherSide(this.side), end.read, data.length);
    const at = data.findIndex((octet, index) => octet !== expected[index]);
    if (at >= 0) never(`read: octet ${end.read + at} is ${data[at]} and was ${expected[at]}`);
  }

  protected nothing(model: Model, error: string): void {
    const { lane, end, peer } = this.of(model);
    if (error === 'Transport endpoint is not connected' && end.hasFailed) return; // `connect` has told why
    if (error === again || (error === ended && (end.isReadShut || end.hasFailed))) return;
    if (error === ended && peer.isWriteShut && end.read === peer.written) end.hasEnded = true;
    else failed(`read: ${end.read} of ${peer.written} read`, error, lane, end, model);
  }
}

class Peek extends Read {
  protected override readonly name = 'peek';

  override async run(model: Model, world: World): Promise<void> {
    const [data, error] = await world.socket(this.lane, this.side).recv(this.size, constants.MSG_PEEK);
    if (error !== null) this.nothing(model, error);
    else this.compare(model, data);
  }
}

class Shutdown extends OfEnd {
  protected readonly name = 'shutdown';
  readonly how: 0 | 1 | 2;

  constructor(lane: number, side: Side, how: 0 | 1 | 2) {
    super(lane, side);
    this.how = how;
  }

  async run(model: Model, world: World): Promise<void> {
    const { lane, end, peer } = this.of(model);
    if (world.isOpening(this.lane, this.side)) return; // what that means differs between systems
    const [, error] = world.socket(this.lane, this.side).shutdown(this.how);
    if (error === 'Transport endpoint is not connected') {
      end.hasFailed = true; // it has ended, or failed
      return;
    }
    if (error !== null) never(`shutdown: ${error}`);
    if (this.how !== 1) end.isReadShut = true;
    if (this.how !== 0) end.isWriteShut = true;
    if (end.readsNothing && peer.written > end.read) lane.mayReset = true;
  }
}

class Close extends OfEnd {
  protected readonly name = 'close';

  async run(model: Model, world: World): Promise<void> {
    const { lane, end, peer } = this.of(model);
    const isOpening = world.isOpening(this.lane, this.side);
    await world.socket(this.lane, this.side).close();
    end.isClosed = true;
    end.isWriteShut = true;
    if (isOpening || peer.written > end.read) lane.mayReset = true;
    lane.closedAt ??= world.pair.network.now;
  }
}

/** Options, and values that change what is sent when. */
const options = [
  ['IPPROTO_TCP', 'TCP_NODELAY', [true, false]],
  ['IPPROTO_TCP', 'TCP_CORK', [true, false]],
  ['IPPROTO_TCP', 'TCP_QUICKACK', [true, false]],
  ['IPPROTO_TCP', 'TCP_CONGESTION', ['reno', 'cubic']],
  ['IPPROTO_TCP', 'TCP_NOTSENT_LOWAT', [1000, 100_000]],
  ['IPPROTO_TCP', 'TCP_WINDOW_CLAMP', [2000, 30_000]],
  ['SOL_SOCKET', 'SO_KEEPALIVE', [true, false]],
  ['SOL_SOCKET', 'SO_RCVBUF', [2000, 10_000, 200_000]],
  ['SOL_SOCKET', 'SO_SNDBUF', [5000, 50_000]],
  ['IPPROTO_IP', 'IP_TTL', [1, 64]],
  ['IPPROTO_IP', 'IP_TOS', [0x28]],
] as const;

class SetOption extends OfEnd {
  protected readonly name = 'setoption';
  readonly index: number;
  readonly value: number;

  constructor(lane: number, side: Side, index: number, value: number) {
    super(lane, side);
    this.index = index;
    this.value = value;
  }

  async run(_model: Model, world: World): Promise<void> {
    const [level, option, values] = options[this.index]!;
    const socket = world.socket(this.lane, this.side);
    const [, error] = socket.setoption(constants[level], constants[option], values[this.value % values.length]!);
    if (error !== null) never(`setoption ${option}: ${error}`);
  }

  override toString(): string {
    const [, option, values] = options[this.index]!;
    return `setoption(lane: ${this.lane}, side: ${this.side}, ${option}: ${values[this.value % values.length]})`;
  }
}

/** The way becomes another one. */
class SetLink extends Shown {
  protected readonly name = 'link';
  readonly settings: LinkSettings;

  constructor(settings: LinkSettings) {
    super();
    this.settings = settings;
  }

  check(): boolean {
    return true;
  }

  async run(_model: Model, world: World): Promise<void> {
    world.setLink(this.settings);
  }
}

/** Nothing gets through for a while. */
class Blackout extends Shown {
  protected readonly name = 'blackout';
  readonly duration: number;

  constructor(duration: number) {
    super();
    this.duration = duration;
  }

  check({ outage }: Readonly<Model>): boolean {
    return outage < 12;
  }

  async run(model: Model, world: World): Promise<void> {
    const { settings } = world.pair.link.forward;
    world.setLink({ ...settings, loss: 1 });
    world.run(this.duration);
    world.setLink(settings);
    model.outage += this.duration / seconds(1);
  }
}

class Step extends Shown {
  protected readonly name = 'step';
  readonly duration: number;

  constructor(duration: number) {
    super();
    this.duration = duration;
  }

  check(): boolean {
    return true;
  }

  async run(model: Model, world: World): Promise<void> {
    world.run(this.duration);
    // The end of a closed connection that waits for its peer's FIN does so for a minute.
    for (const lane of model.lanes) {
      if (lane.closedAt !== null && world.pair.network.now - lane.closedAt > seconds(50)) lane.mayReset = true;
    }
  }
}

const lane = fc.nat(lanes - 1);
const side = fc.constantFrom<Side>('client', 'server');
const size = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 60_000 }));
const chance = (most: number) => fc.oneof(fc.constant(0), fc.double({ min: 0, max: most, noNaN: true }));

const link = fc.record({
  delay: fc.constantFrom(0, ms(1), ms(10), ms(150)),
  jitter: fc.constantFrom(0, ms(1), ms(50)),
  loss: chance(0.3),
  duplicate: chance(0.3),
  reorder: chance(0.3),
  corrupt: chance(0.1),
});

const duration = fc.oneof(fc.constantFrom(ms(1), ms(50), ms(300)), fc.integer({ min: 1, max: seconds(3) }));

const often = <T>(times: number, what: T): T[] => new Array<T>(times).fill(what);

export const commands: fc.Arbitrary<Command>[] = [
  ...often(
    2,
    lane.map((of) => new Connect(of)),
  ),
  fc.tuple(lane, side).map((of) => new ConnectAgain(...of)),
  ...often(
    2,
    fc.constant(null).map(() => new Accept()),
  ),
  ...often(
    6,
    fc.tuple(lane, side, size).map((of) => new Write(...of)),
  ),
  ...often(
    5,
    fc.tuple(lane, side, size).map((of) => new Read(...of)),
  ),
  fc.tuple(lane, side, size).map((of) => new Peek(...of)),
  fc.tuple(lane, side, fc.constantFrom(0 as const, 1 as const, 2 as const)).map((of) => new Shutdown(...of)),
  fc.tuple(lane, side).map((of) => new Close(...of)),
  fc.tuple(lane, side, fc.nat(options.length - 1), fc.nat(2)).map((of) => new SetOption(...of)),
  link.map((of) => new SetLink(of)),
  fc.integer({ min: 1, max: seconds(8) }).map((of) => new Blackout(of)),
  ...often(
    5,
    duration.map((of) => new Step(of)),
  ),
];

/** The first lane is open at both ends. */
export async function openFirst(model: Model, world: World): Promise<void> {
  await new Connect(0).run(model, world);
  world.run(ms(100));
  await new Accept().run(model, world);
}

/** After all commands: the way is good again, everybody reads to the end and closes. Nothing may be left. */
export async function finish(model: Model, world: World): Promise<void> {
  world.setLink({ delay: ms(10) });
  for (let round = 0; round < 400; round++) {
    world.run(seconds(1));
    await new Accept().run(model, world);
    let isDone = true;
    for (const [index, { ends }] of model.lanes.entries()) {
      for (const each of ['client', 'server'] as const) {
        const end = ends[each];
        if (!end.isOpen || end.isClosed) continue;
        for (let before = -1; before !== end.read; ) {
          before = end.read;
          await new Read(index, each, 1 << 20).run(model, world);
        }
        if (!end.isWriteShut && !end.hasFailed) await new Shutdown(index, each, 1).run(model, world);
        if (!end.hasEnded && !end.hasFailed && !end.isReadShut) isDone = false;
      }
    }
    if (isDone && round > 3) break;
  }
  for (const [index, { ends, mayReset }] of model.lanes.entries()) {
    for (const each of ['client', 'server'] as const) {
      const [end, peer] = [ends[each], ends[otherSide(each)]];
      if (!end.isOpen) continue;
      const isWhole = end.hasEnded || end.isReadShut || end.isClosed || mayReset || end.hasFailed;
      if (!isWhole) never(`lane ${index}: the ${each} has read ${end.read} of ${peer.written} and no end`);
      if (!end.isClosed) await new Close(index, each).run(model, world);
    }
  }
  await world.listener.close();
  world.run(seconds(1200));
  for (const { stack, name } of [world.pair.client, world.pair.server]) {
    const left = [...stack.tcp.connections()];
    if (left.length > 0) never(`${name}: ${left[0]!.localPort} is left in ${left[0]!.state}`);
    if (stack.tcp.pendingTimers > 0) never(`${name}: ${stack.tcp.pendingTimers} timers are left`);
  }
}
