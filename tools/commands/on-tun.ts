import { closeSync, openSync, writeSync } from 'node:fs';
import { type OpenHost, openHost } from '../../src/api/node/index.ts';
import { Capture } from '../../src/sim/index.ts';
import { type Observer, SeededRandom } from '../../src/stack/index.ts';
import type { HostPlan } from './options.ts';

/** A host as the options describe it, on a TUN interface. @throws TunError it cannot be had */
export async function openPlannedHost(plan: HostPlan): Promise<OpenHost> {
  const capture = plan.pcap === null ? null : captureInto(plan.pcap, plan.tun);
  const host = await openHost({
    tun: plan.tun,
    address: plan.addresses,
    peer: plan.peers,
    mtu: plan.mtu,
    offload: plan.offload,
    raw: true,
    happyEyeballs: true,
    ...(plan.nameservers === null ? {} : { resolver: { servers: plan.nameservers } }),
    ...(plan.seed === null ? {} : { random: new SeededRandom(plan.seed) }),
    ...(capture === null ? {} : { observer: capture.observer }),
  });
  for (const [name, value] of plan.sysctls) host.stack.setSysctl(name, value);
  if (capture === null) return host;
  return { ...host, close: (timeoutMs) => host.close(timeoutMs).then(capture.close) };
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
