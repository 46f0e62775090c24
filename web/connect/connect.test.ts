import assert from "node:assert/strict";
import { test } from "node:test";

import { readBegun } from "./begin.ts";
import { fit } from "./code.ts";
import { clockText, passed, secondsLeft } from "./countdown.ts";
import { isFinal, isLeaving, readState, showsCode } from "./events.ts";

test("a state event is read with its reason and its seconds", () => {
  assert.deepEqual(readState('{"state":"killed","reason":"already_scanned"}'), {
    state: "killed",
    reason: "already_scanned",
    expiresIn: undefined,
    codesLeft: undefined,
    number: undefined,
    letters: undefined,
  });
  assert.equal(readState('{"state":"waiting","expires_in":118}')?.expiresIn, 118);
  assert.equal(readState('{"state":"claimed","number":47}')?.number, 47);
  assert.equal(readState('{"state":"waiting","letters":"BCDF-GHJK"}')?.letters, "BCDF-GHJK");
  assert.equal(readState('{"state":"lapsed","expires_in":0,"codes_left":2}')?.codesLeft, 2);
});

test("what this page does not understand is no event", () => {
  for (const data of ["", "{", "null", "[]", '"waiting"', "{}", '{"state":"toString"}', '{"state":7}']) {
    assert.equal(readState(data), undefined, data);
  }
});

test("a wrong time is no time", () => {
  for (const time of ['"9"', "-1", "null"]) {
    assert.equal(readState(`{"state":"waiting","expires_in":${time}}`)?.expiresIn, undefined);
  }
});

test("only outcomes that the third party is told of leave the page", () => {
  assert.ok(isLeaving("approved") && isLeaving("rejected") && isLeaving("cancelled"));
  assert.ok(!isLeaving("killed") && !isLeaving("expired") && !isLeaving("review"));
  assert.ok(isFinal("killed") && isFinal("redirected") && !isFinal("lapsed"));
});

test("a code stands on the page while a scan or a spoiling scan counts", () => {
  assert.ok(showsCode("waiting") && showsCode("claimed"));
  assert.ok(!showsCode("matched") && !showsCode("lapsed") && !showsCode("approved"));
});

test("the clock shows minutes and seconds and never goes below zero", () => {
  assert.deepEqual([120, 83, 60, 9, 0].map(clockText), ["2:00", "1:23", "1:00", "0:09", "0:00"]);
  assert.equal(secondsLeft(1_000, 5_000), 0);
  assert.equal(secondsLeft(5_001, 1_000), 5);
});

test("the time is told once at 60 and once at 15 seconds", () => {
  const told: number[] = [];
  for (let left = 120; left > 0; left--) {
    const moment = passed(left, left - 1);
    if (moment !== undefined) told.push(moment);
  }
  assert.deepEqual(told, [60, 15]);
});

test("after a sleep only the later moment is told", () => {
  assert.equal(passed(90, 10), 15);
  assert.equal(passed(10, 9), undefined);
});

test("a module is a whole number of device pixels and the code fits its box", () => {
  for (const pixelRatio of [1, 1.25, 1.5, 2, 2.625, 3]) {
    for (const box of [90, 135, 225, 270, 360]) {
      const { module, side } = fit(45, box, pixelRatio);
      assert.ok(Number.isInteger(module) && module >= 1);
      assert.ok(side <= box, `${side} in ${box} at ${pixelRatio}`);
    }
  }
  assert.deepEqual(fit(45, 360, 1), { module: 8, side: 360 });
});

test("a start is believed only where it leads to this host", () => {
  const good = { connect: "/connect/a", events: "/connect/a/events", resume: "/resume/a" };
  assert.deepEqual(readBegun(good), good);
  for (const path of ["https://evil.example/", "//evil.example/", "/\\evil.example", "/", "", 7, undefined]) {
    assert.equal(readBegun({ ...good, resume: path }), "refused", String(path));
  }
  assert.equal(readBegun(null), "refused");
});
