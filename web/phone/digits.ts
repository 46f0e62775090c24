/** The six digits by which people recognise a new phone. */

import { concat, sha256, sha256url, utf8 } from "./bytes.ts";
import { thumbprint, type PublicJwk } from "./proof.ts";

/** The server shows other digits for this phone than the phone has itself. */
export class OtherDigits extends Error {}

/** What is kept of an enrolment code, so that the digits can be shown again: its SHA-256. */
export function codeHash(code: string): Promise<string> {
  return sha256url(code);
}

/**
 * The first eight bytes of SHA-256("endorse-digits-v1" || 0 || thumbprint || 0 || code hash) as a
 * big-endian number, modulo a million.
 */
export async function digitsOf(key: PublicJwk, joinedWith: string): Promise<string> {
  const zero = new Uint8Array(1);
  const named = concat(utf8("endorse-digits-v1"), zero, utf8(await thumbprint(key)), zero, utf8(joinedWith));
  const number = new DataView((await sha256(named)).buffer).getBigUint64(0);
  return String(number % 1_000_000n).padStart(6, "0");
}
