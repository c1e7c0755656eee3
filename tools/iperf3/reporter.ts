import type { Results, Whole } from './results.ts';
import type { Row, Run } from './run.ts';
import type { TestSettings } from './settings.ts';

/** What a test tells its user while it goes on. report.ts writes it as text, json.ts as one JSON object. */

/** What is known when the streams are there. */
export interface Beginning {
  readonly run: Run;
  readonly settings: TestSettings;
  readonly isServer: boolean;
  readonly cookie: string;
  /** Who the control connection leads to. */
  readonly peer: readonly [host: string, port: number];
  readonly wallClock: Date;
  /** The MSS of the control connection; 0 where nobody knows. */
  readonly mssDefault: number;
  readonly bufferSizes: readonly [send: number, receive: number];
}

/** What is known when it is over. */
export interface Ending {
  readonly run: Run;
  readonly isServer: boolean;
  readonly wholes: ReadonlyMap<number, Whole>;
  /** What the other side told; null when it has told nothing. */
  readonly others: Results | null;
  /** The name of this side's congestion control; '' for UDP. */
  readonly congestion: string;
  /** The test came to its end in order. */
  readonly isDone: boolean;
}

export interface Reporter {
  /** A server waits for its next client. */
  listening(port: number, test: number): void;
  /** A client has found its server. */
  connecting(host: string, port: number, isReverse: boolean): void;
  /** A server has a client. */
  accepted(host: string, port: number): void;
  begun(beginning: Beginning): void;
  interval(row: Row): void;
  ended(ending: Ending): void;
  /** It came to nothing, and why. @param isEnding somebody has ended it, which is no error of the program */
  failed(message: string, isEnding: boolean): void;
  /** All has been told of this test. @returns the server's report, for clients that ask for it */
  finish(): void;
  /** What has been told so far, for clients that ask for it. */
  output(): string | object;
}
