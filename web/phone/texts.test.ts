import assert from "node:assert/strict";
import { test } from "node:test";
import { ALL_TEXTS, t, tn } from "./texts.ts";

const SENTENCES = ALL_TEXTS.flatMap((text) => text.split(/[.?!](?:\s|$)/)).filter((sentence) => sentence !== "");

test("every sentence has fewer than 15 words", () => {
  assert.deepEqual(
    SENTENCES.filter((sentence) => sentence.split(/\s+/).length >= 15),
    [],
  );
});

test("no text has a word that only developers know", () => {
  const jargon = /\b(oauth|consent|scope|session|token|authori[sz]|credential|client|api|webauthn|redirect)/i;
  const shown = ALL_TEXTS.map((text) => text.replaceAll(/\{\w+\}/g, ""));
  assert.deepEqual(
    shown.filter((text) => jargon.test(text)),
    [],
  );
});

test("values stand where their names stood", () => {
  assert.equal(t("end.title", { client: "Budgetly" }), "End Budgetly?");
  assert.equal(t("end.title", { client: "{client}" }), "End {client}?");
});

test("one and many have their own forms", () => {
  assert.equal(tn("people.accounts", 1), "1 account");
  assert.equal(tn("people.accounts", 5), "5 accounts");
});
