/** The player with a host that does exactly what a test tells it, and not always in time. */
import test from 'ava';
import { buildPacket } from '../../src/script/build.ts';
import { Connection } from '../../src/script/connection.ts';
import {
  type Answer,
  type Call,
  parseScript,
  playScript,
  type SentPacket,
  type Target,
} from '../../src/script/index.ts';
import { addressOctets } from '../../src/script/target.ts';

/** A packet of the host's, `after` microseconds from what caused it. */
interface Reaction {
  readonly after: number;
  readonly packet: string;
}

class TestHost implements Target {
  readonly name = 'kernel';
  readonly grace = 100_000;
  readonly hesitation = 0;
  readonly lateness: number;
  readonly #reactions: readonly Reaction[];
  readonly #due: SentPacket[] = [];
  readonly #sent: SentPacket[] = [];
  /** When each packet came. */
  readonly injectedAt: number[] = [];
  #now = 0;

  /** @param reactions to the first packet, the second ... */
  constructor(reactions: readonly Reaction[], lateness = 0) {
    this.#reactions = reactions;
    this.lateness = lateness;
  }

  now(): number {
    return this.#now;
  }

  start(_: Call, answered: (answer: Answer) => void): void {
    answered({ value: 0, error: null });
  }

  inject(): void {
    const reaction = this.#reactions[this.injectedAt.length];
    this.injectedAt.push(this.#now);
    if (reaction !== undefined) this.#due.push({ bytes: packetOf(reaction.packet), at: this.#now + reaction.after });
  }

  takePacket(): SentPacket | null {
    return this.#sent.shift() ?? null;
  }

  wait(until: number): Promise<void> {
    const next = this.#due[0];
    if (next !== undefined && next.at <= until) this.#sent.push(this.#due.shift()!);
    this.#now = Math.max(this.#now, Math.min(next?.at ?? until, until));
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

const swapped = {
  family: 4,
  host: addressOctets.peer[4],
  peer: addressOctets.host[4],
  cookie: new Uint8Array(),
} as const;

/** What a script calls a packet of its peer's, the other way round. */
function packetOf(text: string): Uint8Array {
  const { action } = parseScript('x.pkt', `0 < ${text}`).events[0]!;
  if (action.kind !== 'inject') throw new Error('impossible: not a packet');
  const connection = new Connection(1);
  connection.hostPort = 40_001;
  connection.peerPort = 8080;
  return buildPacket(action.packet, connection, swapped);
}

const play = async (text: string, host: TestHost) => {
  const outcome = await playScript(parseScript('x.pkt', text), host, { family: 4 });
  return outcome.ok ? 'fine' : `${outcome.line}: ${outcome.message.split('\n')[0]}`;
};

test('what follows a packet that is a little late keeps its distance from it', async (t) => {
  const host = new TestHost([
    { after: 15_000, packet: '. 1:1(0) ack 1' },
    { after: 15_000, packet: '. 1:1(0) ack 2' },
  ]);
  const text = `0 < . 1:1(0) ack 1
    +0 > . 1:1(0) ack 1
    +0.1 < . 1:1(0) ack 1
    +0 > . 1:1(0) ack 2
    0.3 < . 1:1(0) ack 1`;

  t.is(await play(text, host), 'fine');
  t.deepEqual(host.injectedAt, [0, 115_000, 330_000]);
});

test('a packet beyond the tolerance is late', async (t) => {
  const host = new TestHost([{ after: 21_000, packet: '. 1:1(0) ack 1' }]);

  t.is(await play('0 < . 1:1(0) ack 1\n +0 > . 1:1(0) ack 1', host), '2: sent at 0.021000 instead of 0.000000');
});

test('a packet that may be a share of its time late is not, up to that', async (t) => {
  const text = '0 < . 1:1(0) ack 1\n +0.5 no packets\n +0.5 > . 1:1(0) ack 1';
  const reaction = (after: number): Reaction[] => [{ after, packet: '. 1:1(0) ack 1' }];

  t.is(await play(text, new TestHost(reaction(1_140_000), 1 / 8)), 'fine');
  t.is(await play(text, new TestHost(reaction(1_150_000), 1 / 8)), '3: sent at 1.150000 instead of 1.000000');
  t.is(await play(text, new TestHost(reaction(979_000), 1 / 8)), '3: sent at 0.979000 instead of 1.000000');
});

test('timestamps go with the clock of the host, however late the script has become', async (t) => {
  const text = `0 < S 0:0(0) win 1 <nop,nop,TS val 1 ecr 0>
    +0 > S. 0:0(0) ack 1 <nop,nop,TS val 100 ecr 1>
    +0.1 < . 1:1(0) ack 1 <nop,nop,TS val 2 ecr 100>
    +0 > . 1:1(0) ack 1 <nop,nop,TS val 200 ecr 2>
    +0.1 < . 1:1(0) ack 1 <nop,nop,TS val 3 ecr 100>
    +0 > . 1:1(0) ack 1 <nop,nop,TS val 300 ecr 3>`;
  const host = (last: number): TestHost =>
    new TestHost([
      { after: 0, packet: 'S. 77:77(0) ack 1 <nop,nop,TS val 5000 ecr 1>' },
      { after: 15_000, packet: '. 78:78(0) ack 1 <nop,nop,TS val 5115 ecr 2>' },
      { after: 15_000, packet: `. 78:78(0) ack 1 <nop,nop,TS val ${last} ecr 3>` },
    ]);

  t.is(await play(text, host(5230)), 'fine');
  t.is(await play(text, host(5256)), '6: another packet: options');
});

test('the cookie that the host has given is remembered, sent and expected', async (t) => {
  const syn = '0 < S 0:0(0) <FO>\n +0 > S. 0:0(0) ack 1 <FO any,nop,nop>\n +0 < #2 S 0:0(0) <FO given>\n';
  const host = (again: string): TestHost =>
    new TestHost([
      { after: 0, packet: 'S. 77:77(0) ack 1 <FO 01020304,nop,nop>' },
      { after: 0, packet: `S. 77:77(0) ack 1 <FO ${again},nop,nop>` },
    ]);

  t.is(await play(`${syn} +0 > S. 0:0(0) ack 1 <FO given,nop,nop>`.replace('#2 ', ''), host('01020304')), 'fine');
  t.is(
    await play(`${syn} +0 > S. 0:0(0) ack 1 <FO given,nop,nop>`.replace('#2 ', ''), host('01020305')),
    '4: another packet: options',
  );
});

test('a packet with a wrong checksum is told', async (t) => {
  const host = new TestHost([{ after: 0, packet: '[badsum] . 1:1(0) ack 1' }]);

  t.is(await play('0 < . 1:1(0) ack 1\n +0 > . 1:1(0) ack 1', host), '2: another packet: wrong TCP checksum');
});

test('text that is not the running pattern is told', async (t) => {
  const host = new TestHost([{ after: 0, packet: '. 1:3(2) ack 1 "ab"' }]);

  const said = await play('0 < . 1:1(0) ack 1\n +0 > . 1:3(2) ack 1', host);

  t.is(said, '2: another packet: text from octet 0 on is 6162 instead of 0001');
});
