/** The number on the page, as a person types it. */

export type Typed =
  /** 10 to 99, as every number of a page is. */
  | { readonly number: number }
  /** Nothing, or the first digit: no fault. */
  | "unfinished"
  /** No page shows this, so the one try is not spent on it. */
  | "impossible";

/** Only the digits of what was typed or pasted, in whatever width a keyboard wrote them. */
export function digitsOf(text: string): string {
  return text.normalize("NFKC").replaceAll(/[^0-9]/g, "");
}

export function readNumber(digits: string): Typed {
  if (/^[1-9][0-9]$/.test(digits)) return { number: Number(digits) };
  return digits.length < 2 ? "unfinished" : "impossible";
}
