import assert from "node:assert/strict";
import { test } from "node:test";
import { Refused } from "./api.ts";
import { Sieve } from "./claim.ts";

const ISSUER = "https://connect.bank.example";
const CODE = "Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmE";
const ENROLMENT = `${ISSUER}/phone#enrol.${CODE}`;

function frame(second: number): string {
  return `${ISSUER}/q#1.AAAAAAAAAAAAAAAAAAAAAA.${second}.bbbbbbbbbbbbbbbbbbbbbb`;
}

interface World {
  now: number;
  readonly taken: string[];
  readonly sieve: Sieve<string>;
}

/** A sieve whose server accepts what `accepts` says. */
function world(accepts: (text: string) => boolean, kind: "frame" | "enrolment" = "frame"): World {
  const taken: string[] = [];
  const take = (text: string): Promise<string> => {
    taken.push(text);
    return accepts(text) ? Promise.resolve("in") : Promise.reject(new Refused(404, "code_not_accepted", ""));
  };
  const made: World = { now: 0, taken, sieve: new Sieve(ISSUER, { kind, take }, () => made.now) };
  return made;
}

test("the first good frame ends the scan", async () => {
  const { sieve } = world(() => true);
  assert.deepEqual(await sieve.consider([]), { say: undefined });
  assert.deepEqual(await sieve.consider([frame(2)]), { done: "in" });
});

test("another code beside the frame is no hindrance", async () => {
  const { sieve } = world(() => true);
  assert.deepEqual(await sieve.consider(["https://elsewhere.example/", frame(2)]), { done: "in" });
});

test("a foreign code is named and never sent", async () => {
  const { sieve, taken } = world(() => true);
  assert.deepEqual(await sieve.consider(["https://elsewhere.example/q#1.a.b.c"]), { say: "scan.foreign" });
  assert.deepEqual(taken, []);
});

test("a frame that came too late is passed over in silence, and the next one counts", async () => {
  const { sieve, taken } = world((text) => text === frame(4));
  assert.deepEqual(await sieve.consider([frame(2)]), { say: undefined });
  assert.deepEqual(await sieve.consider([frame(2)]), { say: undefined });
  assert.deepEqual(await sieve.consider([frame(4)]), { done: "in" });
  assert.deepEqual(taken, [frame(2), frame(4)]);
});

test("a picture of a code is sent once, gets a word, then the scan stops", async () => {
  const made = world(() => false);
  assert.deepEqual(await made.sieve.consider([frame(2)]), { say: undefined });
  made.now = 6001;
  assert.deepEqual(await made.sieve.consider([frame(2)]), { say: "scan.stale" });
  made.now = 20_001;
  assert.deepEqual(await made.sieve.consider([frame(2)]), { stale: true });
  assert.equal(made.taken.length, 1);
});

test("many refused frames stop the scan before the server grows tired", async () => {
  const made = world(() => false);
  const verdicts = [];
  for (let second = 1; second <= 8; second += 1) verdicts.push(await made.sieve.consider([frame(second)]));
  assert.deepEqual(verdicts[1], { say: undefined });
  assert.deepEqual(verdicts[2], { say: "scan.stale" });
  assert.deepEqual(verdicts[7], { stale: true });
});

test("any other refusal is thrown", async () => {
  const refused = new Refused(409, "already_scanned", "");
  const sieve = new Sieve(ISSUER, { kind: "frame", take: () => Promise.reject(refused) }, () => 0);
  await assert.rejects(sieve.consider([frame(1)]), refused);
});

test("a code for another purpose is told apart", async () => {
  assert.deepEqual(await world(() => true).sieve.consider([ENROLMENT]), { say: "scan.enrolment" });
  assert.deepEqual(await world(() => true, "enrolment").sieve.consider([frame(1)]), { say: "scan.frame" });
  const enrolling = world(() => true, "enrolment");
  assert.deepEqual(await enrolling.sieve.consider([ENROLMENT]), { done: "in" });
  assert.deepEqual(enrolling.taken, [CODE]);
});
