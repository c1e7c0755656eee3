import type { Observer, StackSettings } from '../stack/index.ts';
import type { LinkSettings } from './link.ts';
import { type Host, type Link, Network, type NetworkSettings } from './network.ts';

export interface PairSettings extends NetworkSettings {
  readonly link?: LinkSettings | readonly [clientToServer: LinkSettings, serverToClient: LinkSettings];
  readonly client?: StackSettings;
  readonly server?: StackSettings;
  readonly observers?: { readonly client?: Observer; readonly server?: Observer };
}

/** Two hosts and a link: 10.0.0.1 and fd00::1 are the client, 10.0.0.2 and fd00::2 the server. */
export interface Pair {
  readonly network: Network;
  readonly client: Host;
  readonly server: Host;
  readonly link: Link;
}

/** The usual small network. */
export function pair(settings: PairSettings = {}): Pair {
  const network = new Network(settings);
  const client = network.host('client', settings.client, settings.observers?.client);
  const server = network.host('server', settings.server, settings.observers?.server);
  const clientAddresses = ['10.0.0.1/24', 'fd00::1/64'];
  const link = network.link(client, clientAddresses, server, ['10.0.0.2/24', 'fd00::2/64'], settings.link ?? {});
  return { network, client, server, link };
}
