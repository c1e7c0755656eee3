/**
 * Time in the core is a number of whole microseconds that the caller hands in; the core owns no clock.
 *
 * A double counts microseconds exactly for 285 years, so nothing here wraps.
 */
export type Micros = number;

/** The deadline of what is not going to happen. */
export const never: Micros = Number.POSITIVE_INFINITY;

export const ms = (milliseconds: number): Micros => milliseconds * 1_000;
export const seconds = (s: number): Micros => s * 1_000_000;
