/** Counting down to the end of a code or of a step. */

/** The moments, in seconds left, that are told to people who do not see the page. */
const SPOKEN = [60, 15] as const;

/** From here on the page shows that time is short. */
export const SHORT_SECONDS = 15;

export type Spoken = (typeof SPOKEN)[number];

/** Whole seconds from `now` to `end` (both in milliseconds), never below zero. */
export function secondsLeft(end: number, now: number): number {
  return Math.max(0, Math.ceil((end - now) / 1000));
}

/** `83` as `1:23`. */
export function clockText(seconds: number): string {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** The moment passed between two looks at the clock, if one was; the later one if both were. */
export function passed(before: number, after: number): Spoken | undefined {
  return [...SPOKEN].reverse().find((moment) => after <= moment && moment < before);
}
