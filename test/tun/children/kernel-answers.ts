/**
 * Hands the packets of kernel-questions.ts to the kernel, through a TUN at whose other end there is no stack, and prints
 * what it answers as a line of JSON: for each of them an array of packets in hexadecimal digits. Runs in a namespace.
 */
import { writeFileSync } from 'node:fs';
import { openTun } from '../../../src/tun/index.ts';
import { echo, ours, packet } from '../../helpers/packets.ts';
import { kernelQuestions } from './kernel-questions.ts';

function set(name: string, value: string): void {
  try {
    writeFileSync(`/proc/sys/net/${name}`, value);
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ENOENT') throw error; // not every kernel has each of them
  }
}

for (const kind of ['all', 'default']) {
  set(`ipv6/conf/${kind}/disable_ipv6`, '0');
  set(`ipv4/conf/${kind}/rp_filter`, '1'); // else Linux takes a broadcast address for a source (RFC 1122 section 3.2.1.3)
  set(`ipv4/conf/${kind}/accept_source_route`, '0');
}
set('ipv6/conf/default/addr_gen_mode', '1'); // no link-local address but the one below
set('ipv4/icmp_ratelimit', '0');
set('ipv4/icmp_msgs_per_sec', '1000000');
set('ipv4/icmp_msgs_burst', '1000000');
set('ipv6/icmp/ratelimit', '0');

const device = await openTun({ name: 'kernel0', addresses: [`${ours[4]}/24`, `${ours[6]}/64`, 'fe80::1/64'] });
const buffer = new Uint8Array(70_000);
let marks = 0;

/** What the kernel sends in answer: everything up to the reply to an echo request that follows. */
async function answersTo(packets: readonly Uint8Array[]): Promise<string[]> {
  for (const each of packets) device.write(each, each.length);
  const mark = Buffer.from(`mark ${++marks}`);
  const request = packet(4, 1, echo(4, mark));
  device.write(request, request.length);
  const answers: string[] = [];
  for (;;) {
    const length = device.read(buffer);
    if (length === 0) {
      await new Promise<void>((resolve) => device.onReady(resolve));
      continue;
    }
    const answer = Buffer.from(buffer.subarray(0, length));
    if (answer[0] === 0x45 && answer[20] === 0 && answer.subarray(28).equals(mark)) return answers;
    if (!isOwnWord(answer)) answers.push(answer.toString('hex'));
  }
}

/** Memberships of groups and calls for routers are no answers. */
function isOwnWord(bytes: Buffer): boolean {
  if (bytes[0]! >> 4 === 4) return bytes[9] === 2;
  const at = bytes[6] === 0 ? 48 : 40;
  return (bytes[6] === 58 || bytes[40] === 58) && [133, 143].includes(bytes[at]!);
}

const answers: string[][] = [];
for (const { packets } of kernelQuestions) answers.push(await answersTo(packets));
device.close();
console.log(JSON.stringify(answers));
