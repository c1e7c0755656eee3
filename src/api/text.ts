/** Octets as text, for those who read text. */

/** How octets stand for letters: UTF-8, or each octet for one letter (ISO 8859-1), which loses nothing whatever they are. */
export type Encoding = 'utf-8' | 'latin1';

declare const TextDecoder: {
  new (
    label: string,
    options: { ignoreBOM: boolean },
  ): { decode(octets?: Uint8Array, options?: { stream: boolean }): string };
};

/** @throws RangeError no encoding that is known; TypeError no text */
export function checkEncoding(value: unknown): asserts value is Encoding {
  if (typeof value !== 'string') throw new TypeError('encoding: a string');
  if (value !== 'utf-8' && value !== 'latin1') throw new RangeError(`encoding: '${value}' is not utf-8 or latin1`);
}

/** A datagram, or all there is, as text; of UTF-8, what is none becomes U+FFFD. */
export function toText(octets: Uint8Array, encoding: Encoding): string {
  return encoding === 'latin1' ? latin1(octets) : new TextDecoder('utf-8', { ignoreBOM: true }).decode(octets);
}

/** Not a TextDecoder's 'latin1', which is windows-1252. */
function latin1(octets: Uint8Array): string {
  let text = '';
  for (let at = 0; at < octets.length; at += 4096) text += String.fromCharCode(...octets.subarray(at, at + 4096));
  return text;
}

/** A stream of UTF-8, which may be cut in the middle of a letter: the beginning of one waits for the rest. */
export class TextStream {
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });

  /** The letters that are whole by now. */
  add(octets: Uint8Array): string {
    return this.#decoder.decode(octets, { stream: true });
  }

  /** Nothing more comes: U+FFFD for a letter that has not become whole. */
  end(): string {
    return this.#decoder.decode();
  }
}
