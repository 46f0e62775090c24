import assert from "node:assert/strict";
import { test } from "node:test";
import { accountsNeeded, areDetails, type Detail } from "./details.ts";
import { inFours } from "./format.ts";

const PAYMENT = {
  type: "payment_initiation",
  instructedAmount: { currency: "EUR", amount: "12.50" },
  creditorName: "Bäckerei Groß",
  creditorAccount: { iban: "DE02100100109307118603" },
  remittanceInformationUnstructured: "Invoice 7",
} as const;
const LOOK = { type: "account_information", actions: ["list_accounts"], accountsAtLeast: 2, accountsAtMost: 3 } as const;

test("a payment and a look at accounts can be shown, one at a time", () => {
  assert.ok(areDetails([]));
  assert.ok(areDetails([PAYMENT]));
  assert.ok(areDetails([{ ...PAYMENT, remittanceInformationUnstructured: undefined, debtorAccount: { iban: "NL91ABNA0417164300" } }]));
  assert.ok(areDetails([LOOK]));
  assert.ok(areDetails([{ ...LOOK, dateFrom: "2026-01-01", dateTo: "2026-02-01" }]));
  assert.ok(!areDetails([PAYMENT, PAYMENT]));
});

test("what this app cannot show whole is no detail", () => {
  const bent: unknown[] = [
    null,
    "payment_initiation",
    {},
    { ...PAYMENT, type: "toString" },
    { ...PAYMENT, type: "other" },
    { ...PAYMENT, requestedExecutionDate: "2026-01-01" },
    { ...PAYMENT, instructedAmount: { currency: "EUR", amount: 12.5 } },
    { ...PAYMENT, instructedAmount: { currency: "EUR", amount: "1e3" } },
    { ...PAYMENT, instructedAmount: { currency: "EUR", amount: "12.505" } },
    { ...PAYMENT, instructedAmount: { currency: "USD", amount: "12.50" } },
    { ...PAYMENT, instructedAmount: { currency: "EUR", amount: "12.50", more: 1 } },
    { ...PAYMENT, creditorName: "" },
    { ...PAYMENT, creditorName: "Shop \u202e" },
    { ...PAYMENT, creditorName: "Shop\u200b" },
    { ...PAYMENT, creditorAccount: { iban: "DE02 1001" } },
    { ...PAYMENT, creditorAccount: { iban: "DE02100100109307118603", bban: "1" } },
    { ...PAYMENT, remittanceInformationUnstructured: "two\nlines" },
    { ...PAYMENT, remittanceInformationUnstructured: "a".repeat(141) },
    { ...LOOK, actions: ["move_money"] },
    { ...LOOK, actions: [] },
    { ...LOOK, dateFrom: "yesterday" },
    { ...LOOK, accountsAtMost: "3" },
    { ...LOOK, scope: "all" },
  ];
  for (const one of bent) assert.ok(!areDetails([one]), JSON.stringify(one));
  assert.ok(!areDetails(PAYMENT));
});

test("a payment leaves one account, and a look needs what it says", () => {
  assert.deepEqual(accountsNeeded([PAYMENT]), { least: 1, most: 1 });
  assert.deepEqual(accountsNeeded([LOOK as Detail]), { least: 2, most: 3 });
  assert.deepEqual(accountsNeeded([]), { least: 1, most: Infinity });
});

test("an account number is written in groups of four", () => {
  assert.equal(inFours("DE02100100109307118603"), "DE02 1001 0010 9307 1186 03");
  assert.equal(inFours("NO9386011117947"), "NO93 8601 1117 947");
});
