import assert from "node:assert/strict";
import { test } from "node:test";
import { Api, Refused, Unreachable } from "./api.ts";
import { makeDeviceKey } from "./proof.ts";

const ISSUER = "https://connect.bank.example";

interface Sent {
  readonly path: string;
  readonly headers: Headers;
  readonly body: unknown;
}

type Answer = readonly [status: number, fields: Record<string, unknown>];

/** An api before a server that gives these answers in turn. */
async function before(answers: readonly (Answer | Error)[]): Promise<{ api: Api; sent: Sent[] }> {
  const sent: Sent[] = [];
  const left = [...answers];
  const api = new Api(ISSUER, (input, init) => {
    sent.push({ path: String(input), headers: new Headers(init?.headers), body: init?.body });
    const next = left.shift() ?? new Error("no more answers");
    if (next instanceof Error) return Promise.reject(next);
    return Promise.resolve(new Response(JSON.stringify(next[1]), { status: next[0] }));
  });
  api.useKey(await makeDeviceKey());
  return { api, sent };
}

function payload({ headers }: Sent): Record<string, unknown> {
  const part = headers.get("DPoP")?.split(".")[1] ?? "";
  return JSON.parse(Buffer.from(part, "base64url").toString()) as Record<string, unknown>;
}

function session(text: string, expires_in = 900): Parameters<Api["signedIn"]>[0] {
  return { phone_id: "p", person: { id: "anna", name: "Anna" }, session: text, expires_in };
}

const SIGN_IN: Answer = [401, { error: "sign_in_required" }];

test("a signed-in call carries the session and a proof bound to it", async () => {
  const { api, sent } = await before([[200, { connections: [] }]]);
  api.signedIn(session("s1"));
  await api.call("GET", "/phone/connections", { signedIn: true });
  assert.equal(sent[0]?.headers.get("Authorization"), "DPoP s1");
  assert.equal(payload(sent[0]!)["htu"], `${ISSUER}/phone/connections`);
  assert.equal(typeof payload(sent[0]!)["ath"], "string");
  assert.equal(sent[0]?.body, undefined);
});

test("a lapsed session is renewed and the call repeated once", async () => {
  const { api, sent } = await before([SIGN_IN, [200, { state: "matched" }]]);
  api.signedIn(session("s1"));
  api.renew = () => Promise.resolve(api.signedIn(session("s2")));
  assert.deepEqual(await api.call("POST", "/phone/match", { body: {}, signedIn: true }), { state: "matched" });
  assert.deepEqual(
    sent.map(({ headers }) => headers.get("Authorization")),
    ["DPoP s1", "DPoP s2"],
  );
});

test("a session that lapses again at once is not renewed for ever", async () => {
  const { api, sent } = await before([SIGN_IN, SIGN_IN, SIGN_IN]);
  api.signedIn(session("s1"));
  api.renew = () => Promise.resolve(api.signedIn(session("s2")));
  await assert.rejects(api.call("POST", "/phone/match", { signedIn: true }), { code: "sign_in_required" });
  assert.equal(sent.length, 2);
});

test("calls that lapse together ask the person once", async () => {
  const { api } = await before([SIGN_IN, SIGN_IN, [200, {}], [200, {}]]);
  api.signedIn(session("s1"));
  let asked = 0;
  api.renew = async () => {
    asked += 1;
    await new Promise((resolve) => setImmediate(resolve));
    api.signedIn(session("s2"));
  };
  await Promise.all([1, 2].map(() => api.call("GET", "/phone/connections", { signedIn: true })));
  assert.equal(asked, 1);
});

test("a background call never asks the person to sign in", async () => {
  const { api } = await before([SIGN_IN]);
  api.renew = () => assert.fail("asked");
  const call = api.call("GET", "/phone/connections", { signedIn: true, background: true });
  await assert.rejects(call, { code: "sign_in_required" });
});

test("the server's clock is the one that proofs are dated by", async () => {
  const ahead = Math.floor(Date.now() / 1000) + 5000;
  const { api, sent } = await before([
    [200, { time: ahead }],
    [200, {}],
  ]);
  await api.call("POST", "/phone/sign-in/options");
  await api.call("POST", "/phone/sign-in");
  assert.ok(Math.abs(Number(payload(sent[1]!)["iat"]) - ahead) <= 2);
});

test("a proof refused for a wrong clock is made again by the right one", async () => {
  const ahead = Math.floor(Date.now() / 1000) + 5000;
  const { api, sent } = await before([
    [401, { error: "invalid_proof", time: ahead }],
    [200, { ok: true }],
  ]);
  assert.deepEqual(await api.call("POST", "/phone/enrol/options"), { ok: true });
  assert.ok(Math.abs(Number(payload(sent[1]!)["iat"]) - ahead) <= 2);
});

test("two calls at once that are refused for a wrong clock are both made again", async () => {
  const ahead = Math.floor(Date.now() / 1000) + 5000;
  const refused: Answer = [401, { error: "invalid_proof", time: ahead }];
  const { api, sent } = await before([refused, refused, [200, {}], [200, {}]]);
  await Promise.all([api.call("GET", "/phone/connections"), api.call("GET", "/phone/notices")]);
  // Which proof is signed first is the browser's own business.
  const asked = sent.map((it) => String(payload(it)["htu"])).sort();
  assert.deepEqual(
    asked,
    ["connections", "connections", "notices", "notices"].map((name) => `${ISSUER}/phone/${name}`),
  );
});

test("a proof refused for any other reason is not made again", async () => {
  const { api, sent } = await before([[401, { error: "invalid_proof" }]]);
  await assert.rejects(api.call("POST", "/phone/enrol/options"), Refused);
  assert.equal(sent.length, 1);
});

test("no answer is told apart from a refusal", async () => {
  const { api } = await before([new TypeError("Failed to fetch")]);
  await assert.rejects(api.call("POST", "/phone/claim"), Unreachable);
});

test("another key starts without the old one's session", async () => {
  const { api } = await before([]);
  api.signedIn(session("s1"));
  assert.equal(api.lasts(899), true);
  assert.equal(api.lasts(901), false);
  api.useKey(await makeDeviceKey());
  assert.equal(api.lasts(0), false);
});

test("an answer that is wanted as text comes byte for byte", async () => {
  const text = '{"b": 1.0,  "a": "\\u00e9"}';
  const api = new Api(ISSUER, () => Promise.resolve(new Response(text)));
  api.useKey(await makeDeviceKey());
  assert.equal(await api.call<string>("GET", "/phone/connections/g/evidence", { asText: true }), text);
});
