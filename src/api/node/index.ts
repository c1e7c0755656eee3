/** Our stack under Node: a host on a TUN interface, and its sockets as Node's streams. */
export {
  type AdoptedTun,
  type AdoptOptions,
  adoptDescriptor,
  adoptTun,
  openTun,
  type TunDevice,
  TunError,
  type TunLike,
  type TunOptions,
} from '../../tun/index.ts';
export { type HostInterface, type OpenHost, type OpenHostOptions, openHost } from './open-host.ts';
export { CryptoRandom } from './random.ts';
export { NodeScheduler } from './scheduler.ts';
export { type SocketStream, toDuplex } from './stream.ts';
