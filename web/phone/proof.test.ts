import assert from "node:assert/strict";
import { createHash, createPublicKey, verify } from "node:crypto";
import { test } from "node:test";
import { makeDeviceKey, makeProof, thumbprint, type Call } from "./proof.ts";

const CALL: Call = {
  method: "POST",
  url: "https://connect.bank.example/phone/claim",
  body: '{"code":"é"}',
  at: 1_700_000_000.9,
  jti: "one",
};

function digest(text: string): string {
  return createHash("sha256").update(text, "utf8").digest("base64url");
}

function read(part: string | undefined): Record<string, unknown> {
  return JSON.parse(Buffer.from(part ?? "", "base64url").toString("utf8")) as Record<string, unknown>;
}

test("a proof is an ES256 signature by the key that it carries", async () => {
  const key = await makeDeviceKey();
  const [header, payload, signature] = (await makeProof(key, CALL)).split(".");
  assert.deepEqual(read(header), { typ: "dpop+jwt", alg: "ES256", jwk: key.jwk });
  assert.deepEqual(Object.keys(key.jwk).sort(), ["crv", "kty", "x", "y"]);
  const publicKey = createPublicKey({ key: { ...key.jwk }, format: "jwk" });
  const signed = Buffer.from(`${header}.${payload}`);
  const bytes = Buffer.from(signature ?? "", "base64url");
  assert.equal(verify("sha256", signed, { key: publicKey, dsaEncoding: "ieee-p1363" }, bytes), true);
});

test("a proof names the call, its second and the hash of its body", async () => {
  const [, payload] = (await makeProof(await makeDeviceKey(), CALL)).split(".");
  assert.deepEqual(read(payload), {
    jti: "one",
    htm: "POST",
    htu: CALL.url,
    iat: 1_700_000_000,
    bsh: digest(CALL.body),
  });
});

test("an empty body has the hash of nothing", async () => {
  const [, payload] = (await makeProof(await makeDeviceKey(), { ...CALL, body: "" })).split(".");
  assert.equal(read(payload)["bsh"], "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU");
});

test("a session is bound by its hash", async () => {
  const [, payload] = (await makeProof(await makeDeviceKey(), { ...CALL, session: "secret" })).split(".");
  assert.equal(read(payload)["ath"], digest("secret"));
});

test("the private key cannot be taken out of the browser", async () => {
  const key = await makeDeviceKey();
  assert.equal(key.privateKey.extractable, false);
  await assert.rejects(crypto.subtle.exportKey("jwk", key.privateKey));
});

test("a key is known by its RFC 7638 thumbprint", async () => {
  const jwk = {
    kty: "EC",
    crv: "P-256",
    x: "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
    y: "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
  };
  const canonical = `{"crv":"P-256","kty":"EC","x":"${jwk.x}","y":"${jwk.y}"}`;
  assert.equal(await thumbprint(jwk), digest(canonical));
});
