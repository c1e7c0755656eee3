import { type IncomingMessage, request } from 'node:http';
import { isIPv4 } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { type OpenHost, toDuplex } from '../../src/api/node/index.ts';
import { openPlannedHost } from './on-tun.ts';
import { type HostCommandOptions, planOf, UsageError } from './options.ts';

/** `npm start -- get URL`: the body to standard output; exit code 1 and a line on standard error unless it was a 2xx. */
export async function runGet(parameters: readonly string[], options: HostCommandOptions): Promise<number> {
  const [text, ...more] = parameters;
  if (text === undefined || more.length > 0) throw new UsageError("'get' takes one URL");
  if (options.memory === true) throw new UsageError("'get' needs a TUN interface, so it cannot run in memory");
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url?.protocol !== 'http:') throw new UsageError(`not a URL that begins with http://: '${text}'`);
  const host = await openPlannedHost(planOf(options));
  const stop = () => void host.close(200).then(() => process.exit(1));
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    return await fetchInto(process.stdout, host, url);
  } finally {
    await host.close();
  }
}

async function fetchInto(output: NodeJS.WritableStream, host: OpenHost, url: URL): Promise<number> {
  const { socket: module } = host;
  const name = url.hostname.replace(/^\[(.*)\]$/, '$1'); // IPv6 addresses stand in brackets
  // An IPv6 socket reaches both families, whichever the name has.
  const family = isIPv4(name) ? module.AF_INET : module.AF_INET6;
  const [socket, refused] = module.socket(family, module.SOCK_STREAM);
  if (refused !== null) return failed(`socket: ${refused}`);
  const [, error] = await socket.connect(name, Number(url.port || 80));
  if (error !== null) return failed(`cannot connect to ${url.host}: ${error}`);
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      request(url, { createConnection: () => toDuplex(socket), headers: { Connection: 'close' } }, resolve)
        .on('error', reject)
        .end();
    });
    await pipeline(response, output, { end: false });
    const { statusCode = 0, statusMessage = '' } = response;
    return statusCode >= 200 && statusCode < 300 ? 0 : failed(`${statusCode} ${statusMessage}`);
  } catch (error) {
    return failed((error as Error).message);
  }
}

function failed(why: string): number {
  process.stderr.write(`tundra: get: ${why}\n`);
  return 1;
}
