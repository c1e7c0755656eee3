import type { Observer, StackSettings } from '../stack/index.ts';
import type { LinkSettings } from './link.ts';
import { type Host, type Link, Network, type NetworkSettings } from './network.ts';

export interface PairSettings extends NetworkSettings {
  readonly link?: LinkSettings | readonly [clientToServer: LinkSettings, serverToClient: LinkSettings];
  readonly client?: StackSettings;
  readonly server?: StackSettings;
  readonly observers?: { readonly client?: Observer; readonly server?: Observer };
}

/** Two hosts and a link: 10.0.0.1 is the client, 10.0.0.2 the server. */
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
  const link = network.link(client, '10.0.0.1/24', server, '10.0.0.2/24', settings.link ?? {});
  return { network, client, server, link };
}
