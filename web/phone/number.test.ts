import assert from "node:assert/strict";
import { test } from "node:test";
import { digitsOf, readNumber } from "./number.ts";

test("every number that a page can show is read as itself", () => {
  for (let number = 10; number <= 99; number++) assert.deepEqual(readNumber(String(number)), { number });
});

test("one digit is no fault yet", () => {
  for (const digits of ["", "0", "4"]) assert.equal(readNumber(digits), "unfinished");
});

test("what no page shows is never sent", () => {
  for (const digits of ["00", "07", "123", "4242"]) assert.equal(readNumber(digits), "impossible");
});

test("spaces, letters and signs around the digits do not count", () => {
  assert.equal(digitsOf(" 4 2\n"), "42");
  assert.equal(digitsOf("number: 42."), "42");
  assert.equal(digitsOf("４２"), "42");
  assert.equal(digitsOf("forty-two"), "");
});
