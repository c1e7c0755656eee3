import type { Stack } from '../../src/stack/index.ts';

/** What is shown: a host's name, its stack, and the time that it has. */
export interface Subject {
  readonly name: string;
  readonly stack: Stack;
  readonly wallClock: () => Date;
  readonly uptimeSeconds: () => number;
}

export type Stats = ReturnType<typeof stats>;

/** Everything there is to see of a host. */
export function stats({ name, stack, uptimeSeconds }: Subject) {
  return {
    name,
    uptimeSeconds: Math.round(uptimeSeconds() * 1000) / 1000,
    interfaces: stack.interfaces.map((each) => ({
      name: each.name,
      mtu: each.mtu,
      addresses: each.addresses.map(({ address, bits }) => `${address}/${bits}`),
    })),
    sockets: socketTable(stack),
    counters: countersOf(stack),
  };
}

/** One line of the socket table. */
interface SocketRow {
  readonly protocol: 'tcp' | 'udp';
  readonly state: string;
  readonly local: string;
  readonly remote: string;
  /** Octets that wait to be read, and to be sent or acknowledged. */
  readonly receiveQueue: number;
  readonly sendQueue: number;
  /** Segments; of TCP connections only. */
  readonly cwnd?: number;
  readonly srttMs?: number;
}

/** Every socket of a stack, listeners first. */
function socketTable(stack: Stack): SocketRow[] {
  const rows: SocketRow[] = [];
  for (const listener of stack.tcp.listeners()) {
    const { length: receiveQueue } = listener.acceptQueue;
    rows.push({ protocol: 'tcp', state: 'LISTEN', local: at(listener), remote: '*:*', receiveQueue, sendQueue: 0 });
  }
  for (const endpoint of stack.udp.endpoints()) {
    const remote = endpoint.remote === null ? '*:*' : `${endpoint.remote}:${endpoint.remotePort}`;
    rows.push({
      protocol: 'udp',
      state: '',
      local: at(endpoint),
      remote,
      receiveQueue: endpoint.held,
      sendQueue: endpoint.waitingToLeave,
    });
  }
  for (const tcb of stack.tcp.connections()) {
    rows.push({
      protocol: 'tcp',
      state: tcb.state,
      local: at(tcb),
      remote: `${tcb.remote}:${tcb.remotePort}`,
      receiveQueue: tcb.receiveQueue.length,
      sendQueue: tcb.sendQueue.length,
      cwnd: tcb.congestion.cwnd,
      srttMs: Math.round(tcb.rtt.srtt / 10) / 100,
    });
  }
  for (const kept of stack.tcp.resting()) {
    const remote = `${kept.remote}:${kept.remotePort}`;
    rows.push({ protocol: 'tcp', state: 'TIME-WAIT', local: at(kept), remote, receiveQueue: 0, sendQueue: 0 });
  }
  return rows;
}

const at = ({ local, localPort }: { readonly local: unknown; readonly localPort: number }): string =>
  `${local}:${localPort}`;

/** The counters, without the reasons for drops that have not come up. */
function countersOf({ counters }: Stack): Record<string, unknown> {
  const drops = Object.fromEntries(Object.entries(counters.drops).filter(([, count]) => count > 0));
  return { ...counters, drops };
}
