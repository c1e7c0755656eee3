import { type Micros, parseAddress, type Random, seconds } from '../../stack/index.ts';
import { AnswerCache, type Known } from './cache.ts';
import { canonical, encodeQuery, isHostName, type Message, type Name, parseMessage, rcodes, types } from './message.ts';

/**
 * A stub resolver (RFC 1034 section 5.3.1): asks servers that do the work. Several servers, several times, answers that are cut
 * over TCP, a search list, chains of aliases, and a cache. Only an answer from the server that was asked, with the number
 * and the question of the query, is believed (RFC 5452 section 9.1); anything else is ignored, and the wait goes on.
 */

/** How to find the addresses of names; what resolv.conf(5) says. */
export interface ResolverSettings {
  /** Addresses of name servers, in the order in which they are asked. A port follows '#'. */
  readonly servers: readonly string[];
  /** Domains that names without a dot at their end are looked for in. */
  readonly search?: readonly string[];
  /** Names with so many dots are tried as they are before they are searched for. Default 1. */
  readonly ndots?: number;
  /**
   * Seconds to wait for each server when the servers are asked for the first time, 1 at least; each further time it is twice as
   * long, up to 30 (RFC 8085 section 3.1.1). Default 5.
   */
  readonly timeout?: number;
  /** How often all servers are asked, one after the other. Default 2. */
  readonly attempts?: number;
  /** Begin with another server each time. */
  readonly rotate?: boolean;
  /** Answers to remember. Default 1000. */
  readonly cache?: number;
}

/** Why there is no answer. */
export type LookupFailure = 'nobody' | 'none' | 'again' | 'failed';

/** The same of one query, and that no server has said anything. */
type QueryFailure = LookupFailure | 'silence';

/** How queries travel; over our own sockets, see transport.ts. */
export interface Transport {
  now(): Micros;
  /**
   * Sends a query to a server from a port of its own.
   * @param isAnswer says of each datagram from there whether it is the answer
   * @returns the answer, or null when there is none by the deadline, or nobody there
   */
  ask(
    server: Server,
    query: Uint8Array,
    deadline: Micros,
    isAnswer: (bytes: Uint8Array) => boolean,
  ): Promise<Uint8Array | null>;
  /** The same over a connection (RFC 7766). */
  askByStream(server: Server, query: Uint8Array, deadline: Micros): Promise<Uint8Array | null>;
}

export interface Server {
  readonly host: string;
  readonly port: number;
}

/** Octets of an answer over UDP: what passes everywhere without being cut (RFC 9715). */
const payload = 1232;
const mostAliases = 16;
/** Seconds: RFC 8085 section 3.1.1, and what resolv.conf(5) may say at most. */
const leastTimeout = 1;
const mostTimeout = 30;

export class Resolver {
  readonly #settings: Required<ResolverSettings>;
  readonly #servers: readonly Server[];
  readonly #transport: Transport;
  readonly #random: Random;
  readonly #cache: AnswerCache;
  /** Queries under way: who asks the same at the same time shares the answer. */
  readonly #pending: Map<string, Promise<Known | QueryFailure>> = new Map();
  /** Servers that cannot take EDNS. */
  readonly #plain: Set<Server> = new Set();
  #first = 0;

  constructor(settings: ResolverSettings, transport: Transport, random: Random) {
    this.#settings = { search: [], ndots: 1, timeout: 5, attempts: 2, rotate: false, cache: 1000, ...settings };
    this.#servers = settings.servers.map(serverOf).filter((server) => server !== null);
    this.#transport = transport;
    this.#random = random;
    this.#cache = new AnswerCache(this.#settings.cache);
  }

  /**
   * The addresses of a name: of all types side by side, asked for in the order of `wanted`.
   * @param onFound is told of each type's addresses as they come, those that are returned in the end
   * @returns what was found for each type, or why nothing was
   */
  async lookup(
    name: string,
    wanted: readonly ('A' | 'AAAA')[],
    onFound: (known: Known) => void = () => {},
  ): Promise<readonly Known[] | LookupFailure> {
    let worst: LookupFailure = 'nobody';
    if (!isHostName(name)) return worst;
    for (const candidate of this.#candidates(name).filter(isHostName)) {
      const find = async (type: 'A' | 'AAAA'): Promise<Known | QueryFailure> => {
        const answer = await this.#find(canonical(candidate), types[type]);
        if (isFound(answer)) onFound(answer);
        return answer;
      };
      const answers = await Promise.all(wanted.map(find));
      const found = answers.filter(isFound);
      if (found.length > 0) return found;
      for (const answer of answers) {
        const failure = typeof answer === 'string' ? answer : answer.kind === 'none' ? 'none' : 'nobody';
        if (failure === 'silence') return 'again'; // no server answers: they will not for other names either
        if (severity.indexOf(failure) > severity.indexOf(worst)) worst = failure;
      }
    }
    return worst;
  }

  /** Forgets every answer. */
  flush(): void {
    this.#cache.clear();
  }

  /** resolv.conf(5): what has enough dots is tried as it is first, what has not comes last. */
  #candidates(name: string): string[] {
    if (name.endsWith('.')) return [name];
    const { search, ndots } = this.#settings;
    const searched = search.map((domain) => `${name}.${domain}`);
    const dots = name.split('.').length - 1;
    return dots >= ndots ? [name, ...searched] : [...searched, name];
  }

  async #find(name: Name, type: number): Promise<Known | QueryFailure> {
    const cached = this.#cache.get(name, type, this.#transport.now());
    if (cached !== null) return cached;
    const key = `${type} ${name}`;
    const underWay = this.#pending.get(key);
    if (underWay !== undefined) return underWay;
    const asking = this.#follow(name, type).finally(() => this.#pending.delete(key));
    this.#pending.set(key, asking);
    return asking;
  }

  /** Asks for a name and, where the answer only says what it is an alias for, for that one. */
  async #follow(name: Name, type: number): Promise<Known | QueryFailure> {
    let asked = name;
    let ttl = Number.POSITIVE_INFINITY;
    for (let aliases = 0; aliases <= mostAliases; aliases++) {
      const message = await this.#query(asked, type);
      if (typeof message === 'string') return message;
      const chain = followAliases(message, asked, type);
      if (chain === null) return 'failed'; // in circles, or too long
      ttl = Math.min(ttl, chain.ttl);
      const isOver = chain.addresses.length > 0 || message.rcode === rcodes.nxDomain || chain.end === asked;
      if (!isOver) {
        asked = chain.end;
        continue;
      }
      const kind = chain.addresses.length > 0 ? 'found' : message.rcode === rcodes.nxDomain ? 'nobody' : 'none';
      const known: Known = { kind, addresses: chain.addresses, canonical: chain.end };
      const lasts = kind === 'found' ? ttl : Math.min(ttl, negativeTtl(message));
      this.#cache.put(name, type, known, lasts, this.#transport.now());
      return known;
    }
    return 'failed';
  }

  /** One question to one server after the other, until one says something of worth. */
  async #query(name: Name, type: number): Promise<Message | QueryFailure> {
    const { attempts, rotate } = this.#settings;
    const start = rotate ? this.#first++ % this.#servers.length : 0;
    let outcome: QueryFailure = 'silence';
    for (let attempt = 0; attempt < attempts; attempt++) {
      for (let index = 0; index < this.#servers.length; index++) {
        const server = this.#servers[(start + index) % this.#servers.length]!;
        const message = await this.#askServer(server, name, type, this.#patience(attempt));
        if (message === 'failed') return 'failed';
        if (message === null) continue;
        if (message.rcode === rcodes.nxDomain || (message.rcode === rcodes.noError && !isReferral(message)))
          return message;
        outcome = message.rcode === rcodes.formErr ? 'failed' : 'again';
      }
    }
    return outcome;
  }

  /** How long each server is waited for when all are asked for the `attempt`th time, counted from 0. */
  #patience(attempt: number): Micros {
    const first = Math.max(leastTimeout, this.#settings.timeout);
    return seconds(Math.min(first * 2 ** attempt, Math.max(first, mostTimeout)));
  }

  /** @returns null when the server says nothing; 'failed' for what cannot be asked */
  async #askServer(server: Server, name: Name, type: number, patience: Micros): Promise<Message | null | 'failed'> {
    const isPlain = this.#plain.has(server);
    const id = this.#random.uint32() & 0xffff;
    const query = encodeQuery(id, name, type, isPlain ? 0 : payload);
    if (query === null) return 'failed';
    const deadline = this.#transport.now() + patience;
    let message: Message | null = null;
    const isAnswer = (bytes: Uint8Array): boolean => {
      message = answerTo(bytes, id, name, type);
      return message !== null;
    };
    await this.#transport.ask(server, query, deadline, isAnswer);
    let answer = message as Message | null;
    if (answer?.isTruncated) {
      const later = this.#transport.now() + patience;
      const whole = await this.#transport.askByStream(server, query, later);
      answer = whole === null ? null : answerTo(whole, id, name, type);
      if (answer?.isTruncated) answer = null;
    }
    // RFC 6891 section 7: who does not know EDNS says so, and is asked without.
    if (!isPlain && (answer?.rcode === rcodes.formErr || answer?.rcode === rcodes.notImp)) {
      this.#plain.add(server);
      return this.#askServer(server, name, type, patience);
    }
    return answer;
  }
}

const isFound = (answer: Known | QueryFailure): answer is Known =>
  typeof answer === 'object' && answer.kind === 'found';

/** 'Ask others': neither an answer nor the word of somebody who could know (RFC 1034 section 4.3.1); of no use to a stub. */
const isReferral = ({ answers, isAuthoritative, mayRecurse, authorities }: Message): boolean =>
  answers.length === 0 && !isAuthoritative && !mayRecurse && authorities.every(({ type }) => type !== types.SOA);

/** From the least to the most that a failure leaves open. */
const severity: readonly LookupFailure[] = ['nobody', 'none', 'failed', 'again'];

/** The message, if it answers that very question (RFC 5452 section 9.1). */
function answerTo(bytes: Uint8Array, id: number, name: Name, type: number): Message | null {
  const message = parseMessage(bytes);
  if (message === null || message.id !== id || !message.isResponse || message.opcode !== 0) return null;
  const { question } = message;
  // Some servers leave the question out of an answer that is an error.
  if (question === null) return message.rcode === rcodes.formErr ? message : null;
  return canonical(question.name) === name && question.type === type && question.class === 1 ? message : null;
}

interface Chain {
  readonly addresses: readonly Uint8Array[];
  readonly end: Name;
  /** The least TTL on the way. */
  readonly ttl: number;
}

/** From `name` over its aliases to the addresses, in whatever order the records stand. Null: the aliases have no end. */
function followAliases(message: Message, name: Name, type: number): Chain | null {
  let end = name;
  let ttl = Number.POSITIVE_INFINITY;
  for (let aliases = 0; ; aliases++) {
    const own = message.answers.filter((record) => canonical(record.name) === end);
    const addresses = own.filter((record) => record.type === type && record.address !== null);
    if (addresses.length > 0) {
      for (const record of addresses) ttl = Math.min(ttl, record.ttl);
      return { addresses: addresses.map(({ address }) => address!), end, ttl };
    }
    const alias = own.find((record) => record.type === types.CNAME);
    if (alias === undefined) return { addresses: [], end, ttl };
    if (aliases >= mostAliases) return null;
    ttl = Math.min(ttl, alias.ttl);
    end = canonical(alias.target!);
  }
}

/** RFC 2308 section 5: the SOA record says how long; without one, nothing is remembered. */
function negativeTtl({ authorities }: Message): number {
  const soa = authorities.find(({ type }) => type === types.SOA);
  return soa === undefined ? 0 : Math.min(soa.ttl, soa.minimum);
}

/** Null for what is no address and port: resolv.conf is somebody else's text, and a name could only be asked of itself. */
function serverOf(text: string): Server | null {
  const [host = '', portText = '53', ...more] = text.split('#');
  const port = Number(portText);
  const isAddress = parseAddress(host.replace(/%.*$/, '')) !== null;
  return isAddress && Number.isInteger(port) && port > 0 && port <= 65_535 && more.length === 0 ? { host, port } : null;
}
