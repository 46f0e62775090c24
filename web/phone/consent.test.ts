import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { canonical, consentChallenge, readConsent, WrongDocument, type Expected } from "./consent.ts";

const FIELDS = {
  accounts: [
    { currency: "EUR", iban: "NL91ABNA0417164300", name: "Current account", resourceId: "a1" },
    { currency: "GBP", iban: "GB33BUKB20201555555555", name: "Réserve", resourceId: "a2" },
  ],
  client: { client_id: "budgetly", legal_name: "Budgetly B.V.", name: "Budgetly", verified: true },
  device: "thumb",
  issuer: "https://connect.bank.example",
  locale: "en",
  nonce: "n1",
  person: "anna",
  recurring: true,
  request: "D",
  scope: ["accounts", "balances"],
  texts: "1",
  type: "endorse-consent-v1",
  valid_until: "2027-02-21T15:04:05Z",
};

const EXPECTED: Omit<Expected, "challenge"> = {
  issuer: FIELDS.issuer,
  person: "anna",
  device: "thumb",
  client: FIELDS.client,
  accounts: ["a2", "a1"],
  scope: ["accounts", "balances"],
  recurring: true,
  locale: "en",
  details: [],
  validUntil: FIELDS.valid_until,
};

function challengeOf(document: string): string {
  return createHash("sha256")
    .update("endorse-consent-v1")
    .update(Buffer.of(0))
    .update(document, "utf8")
    .digest("base64url");
}

/** Reads a document whose challenge is right, so that only its content can be wrong. */
function read(document: string, expected: Partial<Expected> = {}): ReturnType<typeof readConsent> {
  return readConsent(document, { ...EXPECTED, challenge: challengeOf(document), ...expected });
}

test("the challenge is the hash of type, zero byte and document", async () => {
  const document = canonical(FIELDS);
  assert.equal(await consentChallenge(document), challengeOf(document));
});

test("a document that says what was chosen is read", async () => {
  const consent = await read(canonical(FIELDS));
  assert.equal(consent.client.name, "Budgetly");
  assert.deepEqual(
    consent.accounts.map((account) => account.name),
    ["Current account", "Réserve"],
  );
});

test("one changed character makes it another document", async () => {
  const document = canonical(FIELDS);
  for (let at = 0; at < document.length; at += 7) {
    const changed = document.slice(0, at) + (document[at] === "x" ? "y" : "x") + document.slice(at + 1);
    await assert.rejects(
      readConsent(changed, { ...EXPECTED, challenge: challengeOf(document) }),
      new WrongDocument("challenge"),
    );
  }
});

for (const [part, change] of Object.entries({
  issuer: { issuer: "https://connect.bank.example.evil" },
  person: { person: "ben" },
  device: { device: "other" },
  client: { client: { ...FIELDS.client, client_id: "other" } },
  scope: { scope: ["accounts", "balances", "transactions"] },
  valid_until: { valid_until: "2028-02-21T15:04:05Z" },
  type: { type: "endorse-consent-v2" },
  recurring: { recurring: false },
  locale: { locale: "nl" },
  renews: { renews: "g1" },
  message: { message: "Desk 4" },
  members: { also: "payments" },
  accounts: { accounts: FIELDS.accounts.slice(0, 1) },
})) {
  test(`a document with another ${part} is refused`, async () => {
    await assert.rejects(read(canonical({ ...FIELDS, ...change })), new WrongDocument(part));
  });
}

test("a client is the one that asked in its names and in whether it was checked", async () => {
  for (const change of [{ name: "Budgetly " }, { legal_name: "Other B.V." }, { verified: false }]) {
    const client = { ...FIELDS.client, ...change };
    await assert.rejects(read(canonical({ ...FIELDS, client })), new WrongDocument("client"));
  }
});

test("a renewal names the connection that it renews, in the language of the document before", async () => {
  const { locale: _, ...renewal } = { ...EXPECTED, renews: "g1" };
  const document = canonical({ ...FIELDS, renews: "g1", locale: "nl" });
  const challenge = challengeOf(document);
  assert.equal((await readConsent(document, { ...renewal, challenge })).person, "anna");
  for (const renews of ["g2", ""]) {
    await assert.rejects(readConsent(document, { ...renewal, renews, challenge }), new WrongDocument("renews"));
  }
  await assert.rejects(read(canonical(FIELDS), { renews: "g1" }), new WrongDocument("renews"));
});

test("the words that the client shows too are those that were compared", async () => {
  const document = canonical({ ...FIELDS, message: "Desk 4" });
  assert.equal((await read(document, { message: "Desk 4" })).person, "anna");
  await assert.rejects(read(document, { message: "Desk 5" }), new WrongDocument("message"));
  await assert.rejects(read(canonical(FIELDS), { message: "Desk 4" }), new WrongDocument("message"));
});

const NOW = {
  grant_id: "g1",
  revision: 3,
  scope: ["accounts"],
  accounts: [FIELDS.accounts[0]!],
  created_at: "2026-01-01T00:00:00Z",
  valid_until: "2026-06-01T00:00:00Z",
};
const MERGE = { ...NOW, how: "merge" } as const;
const REPLACE = { ...NOW, how: "replace" } as const;

test("a merge names the connection and its place, and says what stays without being chosen", async () => {
  const document = canonical({ ...FIELDS, merges: "g1", revision: 4 });
  const consent = await read(document, { accounts: ["a2"], changes: MERGE });
  assert.equal(consent.changes, MERGE);
  assert.equal(consent.accounts.length, 2);
  await assert.rejects(read(document, { accounts: [], changes: MERGE }), new WrongDocument("accounts"));
});

test("a replacement says what was chosen alone", async () => {
  const document = canonical({ ...FIELDS, replaces: "g1", revision: 4 });
  assert.equal((await read(document, { changes: REPLACE })).changes, REPLACE);
  await assert.rejects(read(document, { accounts: ["a2"], changes: REPLACE }), new WrongDocument("accounts"));
});

for (const [part, said, changes] of [
  ["merges", { merges: "g2", revision: 4 }, MERGE],
  ["merges", { replaces: "g1", revision: 4 }, MERGE],
  ["replaces", { merges: "g1", replaces: "g1", revision: 4 }, MERGE],
  ["replaces", { replaces: "g2", revision: 4 }, REPLACE],
  ["merges", {}, MERGE],
  ["revision", { merges: "g1", revision: 5 }, MERGE],
  ["revision", { merges: "g1" }, MERGE],
  ["merges", { merges: "g1", revision: 4 }, undefined],
  ["replaces", { replaces: "g1", revision: 4 }, undefined],
  ["revision", { revision: 4 }, undefined],
  ["changes", { revision: 4 }, { ...NOW, how: "swallow" } as unknown as typeof MERGE],
] as const) {
  test(`a document that says ${canonical(said)} is no ${changes?.how ?? "new connection"}`, async () => {
    await assert.rejects(read(canonical({ ...FIELDS, ...said }), { changes }), new WrongDocument(part));
  });
}

test("an account added or swapped behind the person's back is refused", async () => {
  const third = { currency: "EUR", iban: "NL44TEST0123456799", name: "House", resourceId: "a3" };
  await assert.rejects(
    read(canonical({ ...FIELDS, accounts: [...FIELDS.accounts, third] })),
    new WrongDocument("accounts"),
  );
  await assert.rejects(
    read(canonical({ ...FIELDS, accounts: [FIELDS.accounts[0], third] })),
    new WrongDocument("accounts"),
  );
  await assert.rejects(read(canonical({ ...FIELDS, accounts: [] }), { accounts: [] }), new WrongDocument("accounts"));
});

test("whether it looks again is said with yes or no", async () => {
  await assert.rejects(read(canonical({ ...FIELDS, recurring: "yes" })), new WrongDocument("recurring"));
});

test("a word that the app cannot explain is refused even if it was asked", async () => {
  const scope = ["accounts", "payments"];
  await assert.rejects(read(canonical({ ...FIELDS, scope }), { scope }), new WrongDocument("scope"));
});

test("a document in any but its canonical form is refused", async () => {
  const twice = canonical(FIELDS).replace('"person":"anna"', '"person":"ben","person":"anna"');
  for (const document of [JSON.stringify(FIELDS, null, 1), twice, `${canonical(FIELDS)} `, "", "null"]) {
    await assert.rejects(read(document), WrongDocument);
  }
});

test("a name that turns the direction of text is refused", async () => {
  for (const sign of ["\u202e", "\u2066", "\u0007", "\u200f"]) {
    const client = { ...FIELDS.client, name: `Budg${sign}etly` };
    await assert.rejects(read(canonical({ ...FIELDS, client })), new WrongDocument("name"));
  }
});

test("the canonical form sorts by UTF-16 code units and escapes as little as RFC 8785 says", () => {
  assert.equal(
    canonical({ "\u20ac": 1, "\r": 2, "1": 3, "\u{1f600}": 4, "\ufb33": 5 }),
    '{"\\r":2,"1":3,"\u20ac":1,"\u{1f600}":4,"\ufb33":5}',
  );
  assert.equal(canonical(["</script>", "\u2028", null, true, 0]), '["</script>","\u2028",null,true,0]');
});
