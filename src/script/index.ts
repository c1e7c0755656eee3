/** Packet scripts: the language, and playing it against our stack. docs/scripts.md describes it. */
export { OurTarget } from './our-target.ts';
export { parseScript } from './parse.ts';
export { type Outcome, playScript } from './player.ts';
export { ScriptError } from './scanner.ts';
export type { Family, Headers, OptionValueSpec, Script, TargetName } from './syntax.ts';
export { type Answer, addresses, addressOctets, type Call, type SentPacket, type Target } from './target.ts';
