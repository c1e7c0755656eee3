/** Services and their ports (RFC 6335), as a services(5) file has them: the same over TCP and UDP unless said otherwise. */

/** A port for both protocols, or one for each that has it. */
export type ServicePorts =
  | number
  | {
      /** Its port over TCP; without it, it is not there. */
      readonly tcp?: number;
      /** The same over UDP. */
      readonly udp?: number;
    };

export type ServicesTable = ReadonlyMap<string, ServicePorts>;

/** What is known without anybody's file. */
export const knownServices: Readonly<Record<string, ServicePorts>> = {
  echo: 7,
  discard: 9,
  systat: { tcp: 11 },
  daytime: 13,
  qotd: { tcp: 17 },
  chargen: 19,
  'ftp-data': { tcp: 20 },
  ftp: { tcp: 21 },
  ssh: { tcp: 22 },
  telnet: { tcp: 23 },
  smtp: { tcp: 25 },
  time: 37,
  domain: 53,
  bootps: { udp: 67 },
  bootpc: { udp: 68 },
  tftp: { udp: 69 },
  gopher: { tcp: 70 },
  finger: { tcp: 79 },
  http: { tcp: 80 },
  pop3: { tcp: 110 },
  sunrpc: 111,
  ntp: { udp: 123 },
  imap: { tcp: 143 },
  imap2: { tcp: 143 },
  snmp: 161,
  ldap: 389,
  https: 443,
  submission: { tcp: 587 },
  imaps: { tcp: 993 },
  pop3s: { tcp: 995 },
};

/** The port of a service over a protocol; null when there is none. */
export function portOf(table: ServicesTable, name: string, protocol: 'tcp' | 'udp'): number | null {
  const ports = table.get(name);
  if (ports === undefined) return null;
  return typeof ports === 'number' ? ports : (ports[protocol] ?? null);
}
