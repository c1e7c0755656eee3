import type { ResolverSettings } from './resolver.ts';

/**
 * What a resolv.conf(5) says: name servers (three at most), search list, options. Lines that make no sense are passed over, as
 * glibc does.
 */
export function parseResolvConf(text: string): ResolverSettings {
  const servers: string[] = [];
  let search: string[] = [];
  const options: { ndots?: number; timeout?: number; attempts?: number } = {};
  let rotate = false;
  for (const line of text.split('\n')) {
    if (/^[#;]/.test(line)) continue;
    const [keyword, ...values] = line.trim().split(/\s+/);
    if (keyword === 'nameserver' && values[0] !== undefined && servers.length < mostServers) servers.push(values[0]);
    if (keyword === 'domain' || keyword === 'search') search = keyword === 'domain' ? values.slice(0, 1) : values;
    if (keyword !== 'options') continue;
    for (const option of values) {
      const [name = '', value] = option.split(':');
      if (name === 'rotate') rotate = true;
      else if (isNumber(name) && value !== undefined && /^\d+$/.test(value)) options[name] = Number(value);
    }
  }
  return {
    servers,
    search: search.map((domain) => domain.replace(/\.$/, '')).filter((domain) => domain !== ''),
    rotate,
    ndots: Math.min(options.ndots ?? 1, 15),
    timeout: Math.max(1, Math.min(options.timeout ?? 5, 30)),
    attempts: Math.max(1, Math.min(options.attempts ?? 2, 5)),
  };
}

const mostServers = 3;

/** Options that have a number. */
const isNumber = (name: string): name is 'ndots' | 'timeout' | 'attempts' =>
  name === 'ndots' || name === 'timeout' || name === 'attempts';
