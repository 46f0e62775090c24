/** What a scanned text is. */

export type Scanned =
  /** One frame of a moving code; the whole text goes to the server. */
  | { readonly kind: "frame"; readonly text: string }
  /** A code that sets up a phone. */
  | { readonly kind: "enrolment"; readonly code: string }
  /** This bank's, in a form this app is too old to know. */
  | { readonly kind: "newer" }
  | { readonly kind: "foreign" };

const FRAME = /^[A-Za-z0-9_-]{22}\.[0-9]{1,10}\.[A-Za-z0-9_-]{22}$/;
const SECRET = /^[A-Za-z0-9_-]{43}$/;
const ENROLMENT_CODE = /^[A-Za-z0-9_.~-]{16,512}$/;

/** Tells a scanned text apart. The issuer must match to the byte: one character off is another bank. */
export function readScanned(text: string, issuer: string): Scanned {
  const frame = after(text, `${issuer}/q#`);
  if (frame !== undefined) {
    // Kind 1 is the moving code; a page without script shows kind 0, which moves less often.
    const rest = after(frame, "1.") ?? after(frame, "0.");
    if (rest !== undefined && FRAME.test(rest)) return { kind: "frame", text };
    return /^[0-9]+\./.test(frame) && rest === undefined ? { kind: "newer" } : { kind: "foreign" };
  }
  const code = enrolmentCode(after(text, `${issuer}/phone`) ?? "");
  return code === undefined ? { kind: "foreign" } : { kind: "enrolment", code };
}

/** What a fragment like `#link.<lid>` opens: the text that a claim sends. */
export function linkCode(fragment: string, issuer: string): string | undefined {
  const lid = after(fragment, "#link.");
  return lid !== undefined && SECRET.test(lid) ? `${issuer}/a#${lid}` : undefined;
}

/** Whether this is the issuer's own way back after an approval by link: it is opened without a further question. */
export function isWayBack(url: string, issuer: string): boolean {
  const nonce = after(url, `${issuer}/return#`);
  return nonce !== undefined && SECRET.test(nonce);
}

/** The code in a fragment like `#enrol.<code>`. */
export function enrolmentCode(fragment: string): string | undefined {
  const code = after(fragment, "#enrol.");
  return code !== undefined && ENROLMENT_CODE.test(code) ? code : undefined;
}

function after(text: string, start: string): string | undefined {
  return text.startsWith(start) ? text.slice(start.length) : undefined;
}
