import assert from "node:assert/strict";
import { test } from "node:test";
import { Refused } from "./api.ts";
import { explain } from "./problems.ts";
import { speak } from "./texts.ts";

await speak("en");

const CONFIG = { issuer: "https://bank.example", host: "bank.example", bank: "Demo Bank", sandbox: false };

const TITLES: Readonly<Record<string, string>> = {
  code_not_accepted: "That code no longer works",
  already_scanned: "Someone else scanned it too",
  number_wrong: "That was another number",
  claims_stopped: "No codes for an hour",
  risk_too_high: "Too risky to go on",
  phone_not_known: "Demo Bank no longer knows this phone",
  slow_down: "That was a bit much",
  invalid_proof: "The check did not pass",
  wrong_state: "This request has moved on",
};

for (const [code, title] of Object.entries(TITLES)) {
  test(`"${code}" has words of its own`, () => {
    const told = explain(new Refused(409, code, "for developers"), CONFIG);
    assert.equal(told.title, title);
    assert.doesNotMatch(told.text, /for developers|\{/);
  });
}

test("a refusal that this app does not know says that nothing is shared", () => {
  assert.equal(explain(new Refused(400, "newer", ""), CONFIG).text, "Nothing is shared. Go back and try again.");
  assert.equal(explain(new Refused(503, "newer", ""), CONFIG).title, "Demo Bank has a problem");
});
