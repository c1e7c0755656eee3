/** Linux TUN devices for a stack: opened here, or adopted from somebody else. */
export { type AdoptedTun, type AdoptOptions, adoptDescriptor, adoptTun, type TunLike } from './adopt.ts';
export type { TunDevice } from './device.ts';
export { TunError } from './errors.ts';
export { openTun, type TunOptions } from './open.ts';
