/** Opening a TUN interface: from a name to a device. See the kernel's Documentation/networking/tuntap.rst. */
import { TunDevice } from './device.ts';
import { attachFailed, openFailed } from './errors.ts';
import { type Attachment, attach, IFF_MULTI_QUEUE, IFF_PERSIST, IFF_VNET_HDR } from './ifreq.ts';
import { checkInterface, configureInterface, type InterfaceConfig, isInterfaceName, readMtu } from './ip.ts';
import { type Libc, loadLibc, O_CLOEXEC, O_NONBLOCK, O_RDWR } from './libc.ts';
import { askForOffload } from './vnet-header.ts';
import { sharedWaiter } from './waiter.ts';

export interface TunOptions extends InterfaceConfig {
  /**
   * Exchange packets that stand for many segments, and leave checksums to the kernel: `device.offload` tells whether that
   * could be had. Default false: every packet is as on a wire.
   */
  readonly offload?: boolean;
  /**
   * Be one of several queues of the interface, each with a reader of its own, in one process or many: the kernel hands all
   * packets of a flow to the queue that it has last had a packet of the flow from, and those of a new one to any. All of
   * them have to ask for it. Default false: the only one.
   */
  readonly multiQueue?: boolean;
  /** Up to 15 of letters, digits, '_', '.' and '-'; '%d' at the end becomes the first free number. Default 'tun%d'. */
  readonly name?: string;
}

/**
 * Creates the TUN interface `name`, or attaches to the persistent one of that name (`ip tuntap add`), and configures the
 * kernel's side of it.
 *
 * `up` is what it says when given; otherwise the interface is brought up if it was created here, or if anything else
 * about it is configured. So an unprivileged user can attach to a persistent interface that root has prepared for them:
 * with the name alone, nothing about it is changed.
 *
 * @returns the device; its `name` is the interface's real one and its `mtu` what the kernel says
 * @throws TypeError, RangeError  a name, address, route or MTU that cannot be; nothing has been touched
 * @throws TunError  with code and a one-line message that says what to do: ENOTLINUX, ENOKOFFI, ENOENT, EACCES, EPERM,
 *   EBUSY (the interface has its program already), EINVAL (the name is that of something else), ENOIPROUTE, EIPROUTE
 */
export async function openTun(options: TunOptions = {}): Promise<TunDevice> {
  const { name = 'tun%d', offload: wanted = false, multiQueue = false, ...config } = options;
  if (!isInterfaceName(name)) throw new TypeError(`not the name of a TUN interface: '${name}'`);
  checkInterface(config);
  const libc = await loadLibc();
  const waiter = sharedWaiter(libc);
  await waiter.settled(); // a device of this name that has just been closed may still be on its way out

  const fd = libc.open('/dev/net/tun', O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) throw openFailed(libc.errno());
  try {
    const attachment = attachOrThrow(libc, fd, name, wanted, multiQueue);
    // A persistent interface that was made with the header has it in any case.
    const offload = (attachment.flags & IFF_VNET_HDR) !== 0 ? askForOffload(libc, fd) : null;
    await configureInterface(attachment.name, { ...config, ...upOrNot(config, attachment.flags) });
    return new TunDevice(libc, waiter, fd, attachment.name, await readMtu(attachment.name), offload);
  } catch (error) {
    libc.close(fd);
    throw error;
  }
}

/** Persistent interfaces keep the flags that they were made with: one that refuses ours may take the others. */
function attachOrThrow(libc: Libc, fd: number, name: string, offload: boolean, multiQueue: boolean): Attachment {
  const queues = multiQueue ? IFF_MULTI_QUEUE : 0;
  const flags = queues + (offload ? IFF_VNET_HDR : 0);
  const attachment = attach(libc, fd, name, flags) ?? attach(libc, fd, name, flags ^ IFF_VNET_HDR);
  if (attachment === undefined) throw attachFailed(libc.errno(), name);
  return attachment;
}

function upOrNot(config: InterfaceConfig, flags: number): { up?: boolean } {
  if (config.up !== undefined) return { up: config.up };
  const isConfigured = config.mtu !== undefined || config.addresses !== undefined || config.routes !== undefined;
  return isConfigured || (flags & IFF_PERSIST) === 0 ? { up: true } : {};
}
