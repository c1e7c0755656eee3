import { anyV4, ipv4, PacketMeta, SeededRandom, Stack, type Tcb, tcpCalls } from '../../src/stack/index.ts';
import { packetBuffer } from '../../src/wasm/packet-memory.ts';

/** What is sent, and how. */
export interface Load {
  readonly what: string;
  readonly mtu: number;
  /** A packet may stand for many segments, and checksums are left out, as with a TUN that takes them. */
  readonly offload: boolean;
  /** Octets per run. */
  readonly octets: number;
}

export interface CoreRun {
  /** Data segments, as they would be on a wire. */
  readonly segments: number;
  readonly acknowledgments: number;
  readonly nsOut: number;
  readonly nsIn: number;
}

/**
 * One connection between two stacks, whose packets wait in buffers, as many as a driver's turn reads: each side's part takes
 * long enough to be timed. Real time passes in the loop, virtual time in the stacks.
 */
export class CoreTransfer {
  readonly #load: Load;
  readonly #sending: Stack;
  readonly #receiving: Stack;
  readonly #sender: Tcb;
  readonly #receiver: Tcb;
  readonly #packets: Packets;
  #now = 0;

  constructor(load: Load) {
    this.#load = load;
    this.#packets = new Packets(load);
    this.#sending = stackAt(0x0a000001, 1, load);
    this.#receiving = stackAt(0x0a000002, 2, load);
    const { tcp } = this.#receiving;
    const listener = tcp.listen(tcp.bind(anyV4, 9), 1);
    this.#sender = this.#sending.tcp.connect(ipv4(0x0a000002), 9, null, anyV4, this.#now);
    let receiver: Tcb | null = null;
    while (receiver === null) {
      this.#turn();
      receiver = tcp.accept(listener);
    }
    this.#receiver = receiver;
  }

  /** Moves as much as the load says. */
  run(): CoreRun {
    const { counts } = this.#sender;
    const segmentsBefore = counts.dataSegmentsOut;
    const answersBefore = this.#receiving.counters.tcpOutSegs;
    let received = 0;
    let nsOut = 0;
    let nsIn = 0;
    while (received < this.#load.octets) {
      this.#now += turn;
      const began = performance.now();
      benchOut(this.#sending, this.#sender, this.#packets, this.#now);
      const sent = performance.now();
      received += benchIn(this.#receiving, this.#receiver, this.#packets, this.#now);
      const taken = performance.now();
      benchAcknowledged(this.#sending, this.#packets, this.#now);
      nsOut += (sent - began + performance.now() - taken) * 1e6;
      nsIn += (taken - sent) * 1e6;
    }
    const segments = counts.dataSegmentsOut - segmentsBefore;
    return { segments, acknowledgments: this.#receiving.counters.tcpOutSegs - answersBefore, nsOut, nsIn };
  }

  #turn(): void {
    this.#now += turn;
    this.#packets.fill(this.#sending, this.#now);
    this.#packets.empty(this.#receiving, this.#now);
    this.#packets.fill(this.#receiving, this.#now);
    this.#packets.empty(this.#sending, this.#now);
  }
}

// The profiles tell by these three names whose part something is.

/** The sender's user writes, and what may leaves. */
export function benchOut(stack: Stack, sender: Tcb, packets: Packets, now: number): void {
  if (tcpCalls.isWritable(sender)) tcpCalls.send(sender, text);
  stack.advance(now);
  packets.fill(stack, now);
}

/** What comes is taken in, answered and read. @returns octets read */
export function benchIn(stack: Stack, receiver: Tcb, packets: Packets, now: number): number {
  packets.empty(stack, now);
  stack.advance(now);
  const octets = receiver.receiveQueue.length > 0 ? tcpCalls.receive(receiver, scratch, now) : 0;
  packets.fill(stack, now);
  while (stack.changed.take() !== null);
  return octets;
}

/** The sender hears of it. */
export function benchAcknowledged(stack: Stack, packets: Packets, now: number): void {
  packets.empty(stack, now);
  while (stack.changed.take() !== null);
}

/** Packets on their way. As with a device, each is written from one buffer and read into one: the two copies are in the figures. */
class Packets {
  readonly #slots: readonly Uint8Array[];
  readonly #lengths: number[];
  readonly #metas: readonly PacketMeta[];
  readonly #packet: Uint8Array = packetBuffer(0);
  #count = 0;
  // Views that serve again and again, so that the garbage is the core's.
  #source: Uint8Array = this.#packet;
  #views: (Uint8Array | null)[];

  constructor({ mtu, offload }: Load) {
    // Apart by no power of two, which would put all of them into the same lines of the cache.
    const room = offload ? 65_536 : mtu + 1;
    const all = new Uint8Array(packetsPerTurn * (room + 192));
    this.#slots = Array.from({ length: packetsPerTurn }, (_, index) =>
      all.subarray(index * (room + 192), index * (room + 192) + room),
    );
    this.#lengths = this.#slots.map(() => 0);
    this.#metas = this.#slots.map(() => new PacketMeta());
    this.#views = this.#slots.map(() => null);
  }

  /** Takes what the stack has to send, as far as there is room. */
  fill(stack: Stack, now: number): void {
    while (this.#count < packetsPerTurn) {
      const length = stack.transmit(this.#packet, now);
      if (length === 0) return;
      if (this.#source.length !== length) this.#source = this.#packet.subarray(0, length);
      this.#slots[this.#count]!.set(this.#source);
      this.#metas[this.#count]!.copy(stack.departing);
      this.#lengths[this.#count++] = length;
    }
  }

  /** Hands over all there is. */
  empty(stack: Stack, now: number): void {
    for (let index = 0; index < this.#count; index++) {
      const length = this.#lengths[index]!;
      let view = this.#views[index]!;
      if (view === null || view.length !== length) {
        view = this.#slots[index]!.subarray(0, length);
        this.#views[index] = view;
      }
      this.#packet.set(view);
      stack.receive(this.#packet, length, now, 1, this.#metas[index]!);
    }
    this.#count = 0;
  }
}

export type { Packets };

function stackAt(address: number, seed: number, { mtu, offload }: Load): Stack {
  const stack = new Stack(new SeededRandom(seed));
  const addresses = [{ address: ipv4(address), bits: 24 }];
  stack.addInterface({ name: 'bench', mtu, addresses, offload: { checksums: offload, segmentation: offload } });
  return stack;
}

const text = new Uint8Array(1 << 18);
const scratch = new Uint8Array(1 << 21);
/** Virtual microseconds. */
const turn = 10;
/** As a driver reads them. */
const packetsPerTurn = 64;
