import assert from "node:assert/strict";
import { test } from "node:test";
import { speak, t } from "./texts.ts";
import { TEXTS } from "./texts/en.ts";

await speak("en");

const ALL_TEXTS = Object.values(TEXTS);

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
  assert.equal(t("people.accounts", { count: 1 }), "1 account");
  assert.equal(t("people.accounts", { count: 5 }), "5 accounts");
});
