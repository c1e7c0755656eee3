/** Numbers as iperf3 takes them (`-n 10M`, `-b 1G`) and as it prints them (`1.09 GBytes`, ` 941 Mbits`). */

const powers = ['', 'k', 'm', 'g', 't'] as const;

/** '128K' in octets, or null: the letters are powers of 1024. */
export const parseSize = (text: string): number | null => parse(text, 1024);

/** '10M' in bits per second, or null: the letters are powers of 1000. */
export const parseRate = (text: string): number | null => parse(text, 1000);

function parse(text: string, base: number): number | null {
  const match = /^(\d+(?:\.\d*)?|\.\d+)([kmgt]?)$/i.exec(text);
  if (match === null) return null;
  const power = powers.indexOf(match[2]!.toLowerCase() as (typeof powers)[number]);
  return Math.floor(Number(match[1]) * base ** power);
}

/** How rates are printed: k, m, g, t for bits, K, M, G, T for octets, null for the bits that suit the number. */
export type RateFormat = 'k' | 'm' | 'g' | 't' | 'K' | 'M' | 'G' | 'T' | null;

export const isRateFormat = (text: string): text is Exclude<RateFormat, null> => /^[kmgtKMGT]$/.test(text);

const octetNames = ['Bytes', 'KBytes', 'MBytes', 'GBytes', 'TBytes'] as const;
const bitNames = ['bits', 'Kbits', 'Mbits', 'Gbits', 'Tbits'] as const;

/** '1.25 MBytes', with a number of four places. */
export const formatOctets = (octets: number): string => adaptive(octets, 1024, octetNames);

/** '10.5 Mbits/sec' for octets per second. */
export function formatRate(octetsPerSecond: number, format: RateFormat): string {
  if (format === null) return `${adaptive(octetsPerSecond * 8, 1000, bitNames)}/sec`;
  const power = powers.indexOf(format.toLowerCase() as (typeof powers)[number]);
  const isOctets = format !== format.toLowerCase();
  const value = isOctets ? octetsPerSecond / 1024 ** power : (octetsPerSecond * 8) / 1000 ** power;
  return `${places(value)} ${(isOctets ? octetNames : bitNames)[power]}/sec`;
}

function adaptive(value: number, base: number, names: readonly string[]): string {
  let power = 0;
  let rest = value;
  while (rest >= base && power < names.length - 1) {
    rest /= base;
    power++;
  }
  return `${places(rest)} ${names[power]}`;
}

const places = (value: number): string => value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0).padStart(4);

/** A percentage with two significant digits, as C's "%.2g" writes it: '0', '0.13', '12', '1e+02'. */
export function twoDigits(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return '0';
  const [mantissa = '', exponent = ''] = value.toExponential(1).split('e');
  const power = Number(exponent);
  if (power >= -4 && power < 2) return String(Number(value.toPrecision(2)));
  const sign = power < 0 ? '-' : '+';
  return `${mantissa.replace(/\.0$/, '')}e${sign}${String(Math.abs(power)).padStart(2, '0')}`;
}
