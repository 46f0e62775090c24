import assert from "node:assert/strict";
import { test } from "node:test";
import { codeHash, digitsOf } from "./digits.ts";

// The public key of RFC 7517 A.1. The digits were computed apart, in Python.
const KEY = {
  kty: "EC",
  crv: "P-256",
  x: "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
  y: "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
};

test("the digits are those that the formula gives for this key and code", async () => {
  assert.equal(await digitsOf(KEY, await codeHash("a code of the bank")), "721565");
});

test("another key or another code has other digits, always six of them", async () => {
  const seen = new Set<string>();
  for (let count = 0; count < 200; count += 1) {
    const digits = await digitsOf(KEY, await codeHash(String(count)));
    assert.match(digits, /^[0-9]{6}$/);
    seen.add(digits);
  }
  assert.ok(seen.size > 190);
  const other = { ...KEY, x: KEY.y, y: KEY.x };
  assert.notEqual(await digitsOf(other, await codeHash("0")), await digitsOf(KEY, await codeHash("0")));
});
