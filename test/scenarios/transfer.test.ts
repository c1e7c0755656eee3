import { createHash } from 'node:crypto';
import test from 'ava';
import { type Host, type LinkSettings, pair } from '../../src/sim/index.ts';
import { anyV4, anyV6, ms, parseAddress, StackError, seconds, type Tcb, tcpCalls } from '../../src/stack/index.ts';

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Moves all of `data` out of one end and `into.length` octets in, as far as it goes now. */
class Stream {
  sent = 0;
  received = 0;
  readonly into: Uint8Array;
  readonly #data: Uint8Array;
  readonly #host: Host;

  constructor(host: Host, data: Uint8Array) {
    this.#host = host;
    this.#data = data;
    this.into = new Uint8Array(data.length);
  }

  pump(tcb: Tcb): void {
    untilEagain(() => {
      while (this.sent < this.#data.length) this.sent += tcpCalls.send(tcb, this.#data.subarray(this.sent));
      tcpCalls.shutdownSend(tcb, this.#host.now());
    });
    untilEagain(() => {
      for (let n = -1; n !== 0; ) {
        n = tcpCalls.receive(tcb, this.into.subarray(this.received), this.#host.now());
        this.received += n;
      }
    });
    this.#host.kick();
  }
}

function untilEagain(action: () => void): void {
  try {
    action();
  } catch (error) {
    if (!(error instanceof StackError) || error.code !== 'EAGAIN') throw error;
  }
}

const faults: readonly (readonly [string, LinkSettings])[] = [
  ['no fault', {}],
  ['1 % loss', { loss: 0.01 }],
  ['5 % loss', { loss: 0.05 }],
  ['20 % loss', { loss: 0.2 }],
  ['reordering', { reorder: 0.1 }],
  ['duplication', { duplicate: 0.1 }],
  ['one-bit corruption', { corrupt: 0.05 }],
  ['a narrow queue', { rate: 10_000_000, queue: 16_384 }],
];

for (const [name, fault] of faults) {
  for (const address of ['10.0.0.2', 'fd00::2']) {
    test(`1 MiB both ways over a link with ${name} arrives whole, and nothing is left after 2 MSL (to ${address})`, (t) => {
      const { network, client, server } = pair({ seed: 3, link: { delay: ms(10), ...fault } });
      const any = address.includes(':') ? anyV6 : anyV4;
      const data = Uint8Array.from({ length: 1 << 20 }, (_, index) => (index * 7 + (index >> 8)) & 255);
      const listener = server.stack.tcp.listen(server.stack.tcp.bind(any, 80), 10);
      const c = client.stack.tcp.connect(parseAddress(address)!, 80, null, any, network.now);
      client.kick();
      const there = new Stream(client, data);
      const back = new Stream(server, data);
      let s: Tcb | null = null;
      client.onChanged(() => there.pump(c));
      server.onChanged(() => {
        s ??= server.stack.tcp.accept(listener);
        if (s !== null) back.pump(s);
      });

      network.runUntil(() => there.received === data.length && back.received === data.length, seconds(600));
      network.run(seconds(600));

      t.is(sha256(there.into), sha256(data));
      t.is(sha256(back.into), sha256(data));
      t.is(c.state, 'CLOSED');
      t.is(client.stack.tcp.pendingTimers + server.stack.tcp.pendingTimers, 0);
      t.is([...client.stack.tcp.connections(), ...server.stack.tcp.connections()].length, 0);
    });
  }
}
