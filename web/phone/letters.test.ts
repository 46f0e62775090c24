import assert from "node:assert/strict";
import { test } from "node:test";
import { readLetters } from "./letters.ts";

test("eight letters are read in any case, with and without the dash", () => {
  for (const text of ["BCDFGHJK", "bcdf-ghjk", " bCdF ghjk ", "bcdf–ghjk", "ＢＣＤＦ－ＧＨＪＫ"]) {
    assert.deepEqual(readLetters(text), { code: "BCDFGHJK" });
  }
});

test("fewer letters are no fault yet", () => {
  for (const text of ["", "b", "BCDF-", "BCDFGHJ"]) assert.equal(readLetters(text), "unfinished");
});

test("what no code has is named, so that no try is spent on it", () => {
  assert.deepEqual(readLetters("ABCDFGH1"), { strange: "A 1" });
  assert.deepEqual(readLetters("oo"), { strange: "O" });
  assert.deepEqual(readLetters("BCDFGHJKL"), { strange: "L" });
});
