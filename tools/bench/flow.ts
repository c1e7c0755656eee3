import type { Host, Network } from '../../src/sim/index.ts';
import { anyV4, type Listener, parseAddress, type Tcb, TcpSettings, tcpCalls } from '../../src/stack/index.ts';

/** Bulk data from a client to a server in virtual time: the sender always has more, the receiver reads at once. */
export class Flow {
  received = 0;
  readonly sender: Tcb;
  readonly #limit: number;
  #sent = 0;

  /** @param limit octets to send in all */
  constructor(network: Network, client: Host, port: number, limit: number) {
    this.#limit = limit;
    this.sender = client.stack.tcp.connect(parseAddress('10.0.0.2')!, port, null, anyV4, network.now);
    client.kick();
  }

  /** Looks before it asks: an exception per wake-up would be most of what is measured. */
  write(): void {
    const { sender } = this;
    if (sender.error !== null || sender.state === 'CLOSED') return;
    while (this.#sent < this.#limit && tcpCalls.isWritable(sender)) {
      const left = this.#limit - this.#sent;
      this.#sent += tcpCalls.send(sender, left < text.length ? text.subarray(0, left) : text);
    }
  }

  read(from: Tcb, network: Network): void {
    if (from.receiveQueue.length > 0) this.received += tcpCalls.receive(from, scratch, network.now);
  }
}

/** Lets all flows run: whoever is woken writes or reads as much as goes. One listener per flow, on ports from 1000 on. */
export function serve(
  network: Network,
  client: Host,
  server: Host,
  settings: TcpSettings = new TcpSettings(),
): { start(limit: number): Flow } {
  const senders: Map<unknown, Flow> = new Map();
  const listeners: Map<unknown, Flow> = new Map();
  const receivers: Map<unknown, Flow> = new Map();
  client.onChanged((endpoint) => {
    senders.get(endpoint)?.write();
    client.kick();
  });
  server.onChanged((endpoint) => {
    const flow = listeners.get(endpoint);
    if (flow !== undefined) {
      const accepted = server.stack.tcp.accept(endpoint as Listener);
      if (accepted !== null) {
        receivers.set(accepted, flow);
        flow.read(accepted, network);
      }
    } else receivers.get(endpoint)?.read(endpoint as Tcb, network);
    server.kick();
  });
  let port = 1000;
  return {
    start(limit) {
      const listener = server.stack.tcp.listen(server.stack.tcp.bind(anyV4, port), 1, settings);
      const flow = new Flow(network, client, port++, limit);
      senders.set(flow.sender, flow);
      listeners.set(listener, flow);
      return flow;
    },
  };
}

const text = new Uint8Array(65_536);
const scratch = new Uint8Array(1 << 20);
