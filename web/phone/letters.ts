/** The short code, as a person types it: eight letters, which the page shows in two fours. */

// No vowels and nothing that looks like a digit (RFC 8628 6.1); the server draws from the same.
const LETTERS = "BCDFGHJKLMNPQRSTVWXZ";
const COUNT = 8;

export type Spelled =
  | { readonly code: string }
  | "unfinished"
  /** No code has these letters or signs, in the order typed. */
  | { readonly strange: string };

export function readLetters(text: string): Spelled {
  const bare = text
    .normalize("NFKC")
    .replaceAll(/[\s\p{Pd}]/gu, "")
    .toUpperCase();
  const strange = [...new Set([...bare].filter((sign) => !LETTERS.includes(sign)))].join(" ");
  if (strange !== "") return { strange };
  if (bare.length > COUNT) return { strange: bare.slice(COUNT) };
  return bare.length < COUNT ? "unfinished" : { code: bare };
}
