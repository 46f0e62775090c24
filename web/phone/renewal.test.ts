import assert from "node:assert/strict";
import { test } from "node:test";
import { canonical, consentChallenge, WrongDocument } from "./consent.ts";
import { readRenewal, type Own } from "./renewal.ts";
import type { Connection, Renewal } from "./wire.ts";

const OWN: Own = { issuer: "https://connect.bank.example", person: "anna", device: "thumb" };
const ACCOUNT = { currency: "EUR", iban: "NL91ABNA0417164300", name: "Current account", resourceId: "a1" };
const CLIENT = { client_id: "budgetly", legal_name: "Budgetly B.V.", name: "Budgetly", verified: true };

const CONNECTION: Connection = {
  grant_id: "g1",
  client: CLIENT,
  scope: ["accounts", "offline_access"],
  accounts: [ACCOUNT],
  removed: [{ ...ACCOUNT, resourceId: "a2" }],
  created_at: "2026-11-01T10:00:00Z",
  last_used_at: null,
  valid_until: "2027-02-01T10:00:00Z",
  ended_at: null,
  ended_by: null,
  renewable_until: "2027-02-20T10:00:00Z",
  can_narrow: false,
  authorization_details: [],
};

const FIELDS = {
  ...OWN,
  accounts: [ACCOUNT],
  client: CLIENT,
  locale: "en",
  nonce: "n1",
  recurring: true,
  renews: "g1",
  request: "D",
  scope: ["accounts", "offline_access"],
  texts: "1",
  type: "endorse-consent-v1",
  valid_until: "2027-02-20T10:00:05Z",
};

/** A renewal whose challenge fits its document, so that only what it says can be wrong. */
async function renewal(changed: object = {}, answer: Partial<Renewal> = {}): Promise<Renewal> {
  const document = canonical({ ...FIELDS, ...changed });
  const options = { challenge: await consentChallenge(document), rpId: "connect.bank.example" };
  return { grant_id: "g1", document, options, renewal: "sealed", ...answer };
}

test("a renewal that gives the same for longer is read", async () => {
  const consent = await readRenewal(await renewal(), CONNECTION, OWN);
  assert.equal(consent.valid_until, "2027-02-20T10:00:05Z");
});

for (const [part, change] of Object.entries({
  renews: { renews: "g2" },
  accounts: { accounts: [ACCOUNT, { ...ACCOUNT, resourceId: "a2" }] },
  scope: { scope: ["accounts", "balances", "offline_access"] },
  client: { client: { ...CLIENT, legal_name: "Budgetly C.V." } },
  members: { also: "payments" },
  recurring: { recurring: false },
  valid_until: { valid_until: CONNECTION.valid_until },
  person: { person: "ben" },
  device: { device: "other" },
  issuer: { issuer: "https://connect.bank.example.evil" },
})) {
  test(`a renewal with another ${part} is refused`, async () => {
    await assert.rejects(readRenewal(await renewal(change), CONNECTION, OWN), new WrongDocument(part));
  });
}

test("a document that renews nothing is no renewal", async () => {
  const answer = await renewal();
  const { renews: _, ...first } = FIELDS;
  const document = canonical(first);
  const options = { ...answer.options, challenge: await consentChallenge(document) };
  await assert.rejects(readRenewal({ ...answer, document, options }, CONNECTION, OWN), new WrongDocument("renews"));
});

test("a renewal for another connection or another bank's passkey is refused", async () => {
  const other = await renewal({}, { grant_id: "g2" });
  await assert.rejects(readRenewal(other, CONNECTION, OWN), new WrongDocument("renews"));
  const answer = await renewal();
  const elsewhere = { ...answer, options: { ...answer.options, rpId: "bank.example" } };
  await assert.rejects(readRenewal(elsewhere, CONNECTION, OWN), new WrongDocument("issuer"));
});

test("a renewal whose challenge is not the document's hash is refused", async () => {
  const answer = await renewal();
  const changed = { ...answer, document: answer.document.replace("Budgetly B.V.", "Budgetly C.V.") };
  await assert.rejects(readRenewal(changed, CONNECTION, OWN), new WrongDocument("challenge"));
});
