/** Hands odd packets to the kernel through a TUN, one after another, and prints what it answers to each. */
import { openTun } from '../../../src/tun/index.ts';
import { strangePackets, summary } from './strange-packets.ts';

const tun = await openTun({ name: 'odd0', addresses: ['10.0.0.1/24', 'fd00::1/64'] });
const buffer = new Uint8Array(70_000);
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function answers(): string[] {
  const lines: string[] = [];
  for (let length = tun.read(buffer); length > 0; length = tun.read(buffer)) {
    const line = summary(buffer.slice(0, length));
    if (line !== null) lines.push(line);
  }
  return lines;
}

await pause(200);
answers();
const seen: Record<string, string[]> = {};
for (const [name, bytes] of strangePackets) {
  tun.write(bytes, bytes.length);
  await pause(15);
  seen[name] = answers();
}
tun.close();
process.stdout.write(JSON.stringify(seen));
