/** The front door of the core: everything that is meant for use from outside of `src/stack`. */
export {
  Address,
  addressFrom,
  anyV4,
  anyV6,
  broadcastV4,
  type Family,
  formatAddress,
  formatPrefix,
  inPrefix,
  inZone,
  ipv4,
  isLinkLocal,
  isMulticast,
  loopbackV4,
  loopbackV6,
  type Prefix,
  parseAddress,
  parsePrefix,
  sameAddress,
} from './base/address.ts';
export { empty } from './base/bytes.ts';
export { type ChecksumKernel, installChecksumKernel, sumBytes } from './base/checksum.ts';
export { Counters, type DropReason, dropReasons } from './base/counters.ts';
export { DatagramEndpoint, type ReceivedDatagram } from './base/datagram-endpoint.ts';
export { type ErrorCode, StackError } from './base/errors.ts';
export { Fifo } from './base/fifo.ts';
export type { ConnectionName, Observer } from './base/observe.ts';
export { noOffload, type Offload, PacketMeta, plainPacket } from './base/offload.ts';
export { defaultOptions, type StackOptions, type StackSettings, type TcpOptions } from './base/options.ts';
export { anyInterface } from './base/path.ts';
export { type Random, randomBelow, randomFraction, SeededRandom } from './base/random.ts';
export type { Endpoint } from './base/ready.ts';
export { readSysctl, type Sysctl, type SysctlValue, sysctls, writeSysctl } from './base/sysctl.ts';
export { type Micros, ms, never, seconds } from './base/time.ts';
export type { Device } from './device.ts';
export { segmentCount, writeSegments } from './ip/segmentation.ts';
export { RawEndpoint } from './raw/raw.ts';
export type { Cancel, Runner } from './runner.ts';
export { type InterfaceSettings, Stack } from './stack.ts';
export * as tcpCalls from './tcp/calls.ts';
export { AckEvent, type CongestionController } from './tcp/congestion/controller.ts';
export type { CongestionControls } from './tcp/congestion/controls.ts';
export { infoWithoutConnection, type TcpInfo, tcpInfo } from './tcp/info.ts';
export { Listener } from './tcp/listener.ts';
export type { PortClaim } from './tcp/ports.ts';
export { TcpSettings } from './tcp/settings.ts';
export { arcs, type State } from './tcp/state.ts';
export { Tcb, timerNames } from './tcp/tcb.ts';
export type { TimeWait } from './tcp/time-wait.ts';
export { type Passed, UnixEndpoint, type UnixMessage, type UnixType } from './unix/endpoint.ts';
export { Describer, describePacket } from './wire/describe.ts';
