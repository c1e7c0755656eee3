/**
 * What can go wrong between a program and a TUN device, each as one line that says what to do about it.
 *
 * The errno values are those that Linux gives; docs: Documentation/networking/tuntap.rst of the kernel.
 */
import { getSystemErrorName } from 'node:util';

/** A TUN device cannot be opened, configured or used any longer. The message is one line and names the remedy. */
export class TunError extends Error {
  override readonly name = 'TunError';
  /**
   * The errno's name ('EBUSY', 'EPERM', ...), or one of ours: 'ENOTLINUX', 'ENOKOFFI', 'ENOIPROUTE' (no `ip` command),
   * 'EIPROUTE' (the `ip` command refused).
   */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The name of an errno, such as 'EBUSY' for 16. */
export function errnoName(errno: number): string {
  // Node knows the errors of POSIX; this one is Linux's own, and the one that a TUN gives when its interface is gone.
  return errno === EBADFD ? 'EBADFD' : getSystemErrorName(-errno);
}

export function notLinux(platform: string): TunError {
  return new TunError(
    'ENOTLINUX',
    `TUN devices are a feature of Linux and this is ${platform}: use a simulated network`,
  );
}

export function koffiMissing(cause: unknown): TunError {
  return new TunError('ENOKOFFI', 'opening a TUN device needs the package koffi: run `npm install koffi`', { cause });
}

/** open("/dev/net/tun") failed. */
export function openFailed(errno: number): TunError {
  const code = errnoName(errno);
  switch (code) {
    case 'ENOENT':
    case 'ENODEV':
    case 'ENXIO':
      return new TunError(
        code,
        'there is no /dev/net/tun: run `modprobe tun`, or start the container with `--device /dev/net/tun`',
      );
    case 'EACCES':
    case 'EPERM':
      return new TunError(code, 'no permission to open /dev/net/tun: run as root, or `chmod 666 /dev/net/tun`');
    default:
      return new TunError(code, `cannot open /dev/net/tun: ${code}`);
  }
}

/** ioctl(TUNSETIFF) failed. */
export function attachFailed(errno: number, name: string): TunError {
  const code = errnoName(errno);
  switch (code) {
    case 'EPERM':
      return new TunError(
        code,
        `no permission to use TUN interface ${name}: run as root, or let root run ` +
          `\`ip tuntap add dev ${name} mode tun user ${process.geteuid?.() ?? 'USER'}\` once`,
      );
    case 'EBUSY':
      return new TunError(code, `TUN interface ${name} is in use: choose another name, or end the program that has it`);
    case 'EINVAL':
      return new TunError(
        code,
        `interface ${name} exists and is no TUN, or none with as many queues: choose another name, or \`ip link delete ${name}\``,
      );
    default:
      return new TunError(code, `cannot attach to TUN interface ${name}: ${code}`);
  }
}

/** An inherited descriptor is not what was promised. */
export function unfitDescriptor(fd: number, why: string): TunError {
  return new TunError('EINVAL', `descriptor ${fd} ${why}: pass one attached with IFF_TUN | IFF_NO_PI and nothing else`);
}

/** The interface was deleted under an open device. */
export function interfaceLost(code: string, name: string): TunError {
  return new TunError(code, `TUN interface ${name} is gone (deleted?): close the device and open it again`);
}

export function ipMissing(cause: unknown): TunError {
  return new TunError(
    'ENOIPROUTE',
    'there is no `ip` command: install iproute2, or configure the interface beforehand',
    {
      cause,
    },
  );
}

export function ipFailed(stderr: string, cause: unknown): TunError {
  const firstLine = stderr.trim().split('\n', 1)[0] || 'no message';
  return new TunError('EIPROUTE', `the \`ip\` command refused: ${firstLine}`, { cause });
}

/** "File descriptor in bad state": open, but attached to no interface. */
const EBADFD = 77;
