/** The documented socket module over a stack of ours; portable. For Node's clock and a TUN see `tundra/node`. */
export { constants } from './constants.ts';
export { parseResolvConf } from './dns/resolv-conf.ts';
export type { ResolverSettings } from './dns/resolver.ts';
export { Driver, type Scheduler } from './driver.ts';
export { type ErrorText, type Result, texts } from './errors.ts';
export type { AddressInfo } from './getaddrinfo.ts';
export { type HostSettings, SocketHost } from './host.ts';
export { createSocketModule, type SocketModule, socketModuleOf } from './module.ts';
export type { SocketAddress, SocketName } from './names.ts';
export type { Membership, OptionValue } from './options/index.ts';
export type { Selectable, Selected } from './select.ts';
export type { ServicePorts } from './services.ts';
export type { ReceivedMessage, Socket, SocketError } from './socket.ts';
