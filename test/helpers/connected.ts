import { createSocketModule } from '../../src/api/index.ts';
import { type LinkSettings, pair } from '../../src/sim/index.ts';

/** Two hosts, their socket modules, and a TCP connection that is open at both ends. In virtual time. */
export async function connected(link: LinkSettings = {}) {
  const { network, client, server } = pair({ link });
  const [here, there] = [createSocketModule(client), createSocketModule(server)];
  const [listener] = there.tcp();
  await listener!.bind('', 7);
  listener!.listen(1);
  const [writer] = here.tcp();
  await network.until(writer!.connect('10.0.0.2', 7));
  const [reader] = await network.until(listener!.accept());
  return { network, here, there, writer: writer!, reader: reader! };
}
