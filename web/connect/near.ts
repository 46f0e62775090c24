/** Nearness: the browser asks a phone beside it for its passkey, and the request goes to that phone. */

import { startAuthentication, type PublicKeyCredentialRequestOptionsJSON } from "@simplewebauthn/browser";

/** Asks for a passkey and gives the server's answer; undefined where the passkey was not used. */
export async function comeNear(connect: string): Promise<Response | undefined> {
  const asked = await post(`${connect}/near/options`, "");
  if (!asked.ok) return asked;
  const optionsJSON = (await asked.json()) as PublicKeyCredentialRequestOptionsJSON;
  let credential: unknown;
  try {
    credential = await startAuthentication({ optionsJSON });
  } catch {
    // Called off, too late, no passkey: the browser has told the person already.
    return undefined;
  }
  return post(`${connect}/near`, JSON.stringify({ credential }));
}

function post(url: string, body: string): Promise<Response> {
  return fetch(url, {
    method: "POST",
    headers: { accept: "application/json", "content-type": "application/json" },
    credentials: "same-origin",
    body,
  });
}
