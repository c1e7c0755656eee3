import { readFile } from 'node:fs/promises';
import { parseResolvConf } from '../dns/resolv-conf.ts';
import type { ResolverSettings } from '../dns/resolver.ts';

/** The name servers that the system around us asks; none when there is no such file. */
export async function readResolvConf(path = '/etc/resolv.conf'): Promise<ResolverSettings> {
  try {
    return parseResolvConf(await readFile(path, 'utf8'));
  } catch {
    return { servers: [] };
  }
}
