/** A server for datagrams over IPv6 on a TUN: it answers whoever writes, in capitals, three times, and ends. */
import { openHost } from '../../../src/api/node/index.ts';

await using host = await openHost({ tun: 'tundra0', address: 'fd85::2/64', peer: 'fd85::1/64', resolver: null });
const { socket } = host;
const [server] = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM);
await server!.bind('', 5000);
process.stdout.write('serving\n');
for (let count = 0; count < 3; count++) {
  const [message] = await server!.recvfrom(2000);
  await server!.sendto(new TextDecoder().decode(message!.data).toUpperCase(), ...message!.address);
  process.stdout.write(`${JSON.stringify(message!.address)}\n`);
}
void server!.close();
