import { closeSync, openSync, writeSync } from 'node:fs';
import { type OpenHost, openHost } from '../../src/api/node/index.ts';
import { Capture } from '../../src/sim/index.ts';
import { type Observer, SeededRandom } from '../../src/stack/index.ts';
import { startHttp } from '../services/http.ts';
import { startSimpleServices } from '../services/simple.ts';
import { addressOf, type HostPlan } from './options.ts';

/**
 * A host as the options describe it, on a TUN interface.
 * @param queue which one of those that share the interface: the first one, 0, configures it
 * @throws TunError it cannot be had
 */
export async function openPlannedHost(plan: HostPlan, queue = 0): Promise<OpenHost> {
  const capture = plan.pcap === null ? null : captureInto(queue === 0 ? plan.pcap : `${plan.pcap}.${queue}`, plan.tun);
  const host = await openHost({
    tun: plan.tun,
    address: plan.addresses,
    ...(queue === 0 && { peer: plan.peers, mtu: plan.mtu }),
    offload: plan.offload,
    multiQueue: plan.queues > 1,
    raw: true,
    happyEyeballs: true,
    ...(plan.nameservers === null ? {} : { resolver: { servers: plan.nameservers } }),
    ...(plan.seed === null ? {} : { random: new SeededRandom(plan.seed + queue) }),
    ...(capture === null ? {} : { observer: capture.observer }),
  });
  for (const [name, value] of plan.sysctls) host.stack.setSysctl(name, value);
  if (capture === null) return host;
  return { ...host, close: (timeoutMs) => host.close(timeoutMs).then(capture.close) };
}

/** Starts everything that `host` serves. Resolves with how to stop serving. */
export async function startServices(host: OpenHost, plan: HostPlan, queue = 0): Promise<() => void> {
  const wallClock = (): Date => new Date();
  await startSimpleServices(host.socket, wallClock);
  const which = plan.queues > 1 ? `, queue ${queue} of ${plan.queues}` : '';
  const http = await startHttp(host.socket, {
    name: `tundra at ${addressOf(plan.addresses[0]!)}${which}`,
    stack: host.stack,
    wallClock,
    uptimeSeconds: () => process.uptime(),
  });
  return () => void http.close();
}

/**
 * Captures what crosses the interface; loopback is left out, because tcpdump reads no file with two interfaces of raw IP.
 * Writes each packet at once: a capture that is read while it grows, or after a crash, is whole.
 */
function captureInto(file: string, interfaceName: string): { observer: Observer; close: () => void } {
  const descriptor = openSync(file, 'w');
  const capture = new Capture({
    interfaces: [{ name: interfaceName }],
    sink: (bytes) => writeSync(descriptor, bytes),
  });
  const offset = Math.round((Date.now() - performance.now()) * 1000); // the stack's clock starts with the process
  return {
    observer: {
      packet: (direction, index, bytes, length, now) => {
        if (index === 1) capture.packet(0, direction, bytes, length, now + offset);
      },
    },
    close: () => closeSync(descriptor),
  };
}
