/** Each call of the phone is signed by its device key: a DPoP proof with the body's hash (RFC 9449 4.2). */

import { base64url, sha256url, utf8 } from "./bytes.ts";

export interface PublicJwk {
  readonly kty: string;
  readonly crv: string;
  readonly x: string;
  readonly y: string;
}

export interface DeviceKey {
  /** Never leaves the browser: it is made non-extractable. */
  readonly privateKey: CryptoKey;
  readonly jwk: PublicJwk;
}

export interface Call {
  readonly method: string;
  /** The address without query and fragment. */
  readonly url: string;
  /** The body as sent; "" where there is none. */
  readonly body: string;
  readonly session?: string | undefined;
  /** By the server's clock, in seconds. */
  readonly at: number;
  readonly jti: string;
}

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

export async function makeDeviceKey(): Promise<DeviceKey> {
  const pair = await crypto.subtle.generateKey(ALGORITHM, false, ["sign", "verify"]);
  return { privateKey: pair.privateKey, jwk: publicJwk(await crypto.subtle.exportKey("jwk", pair.publicKey)) };
}

function publicJwk({ kty, crv, x, y }: JsonWebKey): PublicJwk {
  if (!kty || !crv || !x || !y) throw new Error("The browser made a key of another kind.");
  return { kty, crv, x, y };
}

/** The proof for one call, in compact form (RFC 7515 3.1). */
export async function makeProof(key: DeviceKey, call: Call): Promise<string> {
  const header = { typ: "dpop+jwt", alg: "ES256", jwk: key.jwk };
  const payload = {
    jti: call.jti,
    htm: call.method,
    htu: call.url,
    iat: Math.floor(call.at),
    bsh: await sha256url(call.body),
    ...(call.session === undefined ? {} : { ath: await sha256url(call.session) }),
  };
  const signed = `${encode(header)}.${encode(payload)}`;
  // Web Crypto answers r and s side by side, which is the form JWS asks for (RFC 7518 3.4).
  const signature = await crypto.subtle.sign(ALGORITHM, key.privateKey, utf8(signed));
  return `${signed}.${base64url(new Uint8Array(signature))}`;
}

/** What the server knows this key by (RFC 7638 3). */
export function thumbprint({ crv, kty, x, y }: PublicJwk): Promise<string> {
  return sha256url(JSON.stringify({ crv, kty, x, y }));
}

function encode(value: object): string {
  return base64url(utf8(JSON.stringify(value)));
}
