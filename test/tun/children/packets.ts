/** Just enough of IPv4 and ICMP (RFC 791, RFC 792), independent of the stack, to talk to the kernel by hand. */
import { once } from 'node:events';
import type { TunDevice } from '../../../src/tun/index.ts';

export const ECHO_REQUEST = 8;
export const ECHO_REPLY = 0;

/** An ICMP echo message in an IPv4 packet. */
export function echo(type: number, source: string, destination: string, payload: Uint8Array): Uint8Array {
  const packet = Buffer.alloc(28 + payload.length);
  packet.writeUInt8(0x45, 0);
  packet.writeUInt16BE(packet.length, 2);
  packet.writeUInt8(64, 8);
  packet.writeUInt8(1, 9);
  packet.set(source.split('.').map(Number), 12);
  packet.set(destination.split('.').map(Number), 16);
  packet.writeUInt16BE(checksum(packet.subarray(0, 20)), 10);
  packet.writeUInt8(type, 20);
  packet.set(payload, 28);
  packet.writeUInt16BE(checksum(packet.subarray(20)), 22);
  return packet;
}

/** The reply to an echo request, with its identifier, sequence number and payload. */
export function replyTo(request: Uint8Array): Uint8Array {
  const reply = Buffer.from(request);
  reply.set(request.subarray(16, 20), 12);
  reply.set(request.subarray(12, 16), 16);
  reply.writeUInt8(ECHO_REPLY, 20);
  reply.writeUInt16BE(0, 22);
  reply.writeUInt16BE(checksum(reply.subarray(20)), 22);
  return reply;
}

export function isEcho(packet: Uint8Array, type: number): boolean {
  return packet[0] === 0x45 && packet[9] === 1 && packet[20] === type;
}

/** The next packet of `device` that is an echo message of this type. */
export async function nextEcho(device: TunDevice, type: number): Promise<Uint8Array> {
  const buffer = new Uint8Array(70_000);
  for (;;) {
    const length = device.read(buffer);
    if (length > 0 && isEcho(buffer.subarray(0, length), type)) return buffer.slice(0, length);
    if (length === 0) await new Promise<void>((resolve) => device.onReady(resolve));
  }
}

/** Whether this child process ends with exit code 0. */
export async function succeeds(child: import('node:child_process').ChildProcess): Promise<boolean> {
  const [code] = await once(child, 'exit');
  return code === 0;
}

function checksum(bytes: Buffer): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += at + 1 < bytes.length ? bytes.readUInt16BE(at) : bytes[at]! << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
