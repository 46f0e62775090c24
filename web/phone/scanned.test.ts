import assert from "node:assert/strict";
import { test } from "node:test";
import { enrolmentCode, isWayBack, linkCode, readScanned } from "./scanned.ts";

const ISSUER = "https://connect.bank.example";
const QID = "AAAAAAAAAAAAAAAAAAAAAA";
const MAC = "bbbbbbbbbbbbbbbbbbbb-_";
const FRAME = `${ISSUER}/q#1.${QID}.12.${MAC}`;
const CODE = "Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmE";

test("a frame of this issuer is taken whole", () => {
  assert.deepEqual(readScanned(FRAME, ISSUER), { kind: "frame", text: FRAME });
});

test("a frame of a page without script is taken as well", () => {
  const still = FRAME.replace("#1.", "#0.");
  assert.deepEqual(readScanned(still, ISSUER), { kind: "frame", text: still });
});

test("a link's handle becomes what a claim sends, in its one form only", () => {
  const lid = "a".repeat(42) + "_";
  assert.equal(linkCode(`#link.${lid}`, ISSUER), `${ISSUER}/a#${lid}`);
  for (const fragment of ["", `#${lid}`, "#link.", `#link.${lid}x`, `#link.${lid.slice(1)}`, `#link.${lid}#1`]) {
    assert.equal(linkCode(fragment, ISSUER), undefined, fragment);
  }
});

test("a way back leads to this bank's own page, and nowhere else", () => {
  const nonce = "b".repeat(43);
  assert.ok(isWayBack(`${ISSUER}/return#${nonce}`, ISSUER));
  for (const url of [
    `https://evil.example/return#${nonce}`,
    `${ISSUER}.evil.example/return#${nonce}`,
    `${ISSUER}/return?x#${nonce}`,
    `${ISSUER}/resume/x#${nonce}`,
    `${ISSUER}/return#${nonce}x`,
    `javascript:alert(1)//${ISSUER}/return#${nonce}`,
    "",
  ]) {
    assert.equal(isWayBack(url, ISSUER), false, url);
  }
});

test("an enrolment link of this issuer gives its code", () => {
  assert.deepEqual(readScanned(`${ISSUER}/phone#enrol.${CODE}`, ISSUER), { kind: "enrolment", code: CODE });
});

for (const [what, text] of Object.entries({
  "another issuer": FRAME.replace("connect.", "connect-"),
  "a longer host that begins alike": FRAME.replace("bank.example", "bank.example.evil"),
  "another scheme": FRAME.replace("https:", "http:"),
  "another port": FRAME.replace("/q", ":8443/q"),
  "another path": FRAME.replace("/q#", "/qq#"),
  "a query instead of a fragment": FRAME.replace("#", "?"),
  "a short handle": FRAME.replace(QID, "AAAA"),
  "a time that is no number": FRAME.replace(".12.", ".1e1."),
  "a missing part": FRAME.slice(0, -23),
  "something appended": `${FRAME}.x`,
  "a space before it": ` ${FRAME}`,
  "an enrolment code of another bank": `https://evil.example/phone#enrol.${CODE}`,
  "an enrolment code too short to be one": `${ISSUER}/phone#enrol.abc`,
  nothing: "",
})) {
  test(`${what} is not this bank's`, () => {
    assert.deepEqual(readScanned(text, ISSUER), { kind: "foreign" });
  });
}

test("a later form of the code is told apart from a foreign one", () => {
  assert.deepEqual(readScanned(FRAME.replace("#1.", "#2."), ISSUER), { kind: "newer" });
});

test("only a fragment of the right form is an enrolment code", () => {
  assert.equal(enrolmentCode(`#enrol.${CODE}`), CODE);
  for (const fragment of ["", "#", "#enrol.", `#${CODE}`, `#enrol.${CODE}&x=1`, `#enrol.<script>alert(1)</script>`]) {
    assert.equal(enrolmentCode(fragment), undefined, fragment);
  }
});
