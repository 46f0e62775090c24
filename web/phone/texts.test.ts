import assert from "node:assert/strict";
import { test } from "node:test";
import { IntlMessageFormat } from "intl-messageformat";
import { chosenLanguage, currentLanguage, currentLocale, speak, t } from "./texts.ts";
import { TEXTS as DE } from "./texts/de.ts";
import { TEXTS as EN, type Texts } from "./texts/en.ts";
import { TEXTS as ES } from "./texts/es.ts";
import { TEXTS as FR } from "./texts/fr.ts";
import { TEXTS as NL } from "./texts/nl.ts";

await speak("en");

const LANGUAGES: Readonly<Record<string, Texts>> = { en: EN, nl: NL, de: DE, fr: FR, es: ES };
const KEYS = Object.keys(EN) as (keyof Texts)[];

/** The names of the values that a text takes; each form of a count may have some. */
function names(text: string, language: string): string[] {
  const found = new Set<string>();
  const look = (elements: ReturnType<IntlMessageFormat["getAst"]>): void => {
    for (const element of elements) {
      // Literal text, and "#", which stands for a count that is named already.
      if (element.type === 0 || element.type === 7) continue;
      found.add(element.value);
      if ("options" in element) for (const form of Object.values(element.options)) look(form.value);
    }
  };
  look(new IntlMessageFormat(text, language).getAst());
  return [...found].sort();
}

for (const [language, texts] of Object.entries(LANGUAGES)) {
  const all = Object.values(texts);

  test(`${language}: no text is missing, none is empty, and none is too many`, () => {
    assert.deepEqual(Object.keys(texts).sort(), [...KEYS].sort());
    assert.deepEqual(
      KEYS.filter((key) => texts[key].trim() === ""),
      [],
    );
  });

  test(`${language}: every text puts in the values that the English one does`, () => {
    for (const key of KEYS) assert.deepEqual(names(texts[key], language), names(EN[key], "en"), key);
  });

  // A straight apostrophe would quote braces, and a typewriter's quotes look careless.
  test(`${language}: quotes and dots are printed ones`, () => {
    assert.deepEqual(
      all.filter((text) => /['"]|\.\.\./.test(text)),
      [],
    );
  });

  test(`${language}: every sentence has fewer than 15 words`, () => {
    const sentences = all.flatMap((text) => text.replaceAll(/\{(\w+)[^}]*\{.*\}\}/g, "$1").split(/[.?!](?:\s|$)/));
    assert.deepEqual(
      sentences.filter((sentence) => sentence.trim().split(/\s+/).length >= 15),
      [],
    );
  });

  test(`${language}: no text has a word that only developers know`, () => {
    const jargon = /\b(oauth|consent|scope|session|token|authori[sz]|credential|client|api|webauthn|redirect)/i;
    const shown = all.map((text) => text.replaceAll(/\{\w+[},]/g, ""));
    assert.deepEqual(
      shown.filter((text) => jargon.test(text)),
      [],
    );
  });
}

test("in French a mark of two parts follows a space that does not break", () => {
  assert.deepEqual(
    Object.values(FR).filter((text) => /[^\u00a0][?!;]|[^\u00a0]:/.test(text)),
    [],
  );
});

test("a person gets the first language that there is, however it is written", () => {
  assert.equal(chosenLanguage(["nl-BE", "fr"]), "nl");
  assert.equal(chosenLanguage(["pt-BR", "FR-ca"]), "fr");
  assert.equal(chosenLanguage(["pt", "toString", ""]), "en");
  assert.equal(chosenLanguage([]), "en");
});

test("a language is spoken from the moment it is loaded", async () => {
  await speak("de");
  assert.equal(t("end.title", { client: "Budgetly" }), "Budgetly beenden?");
  assert.deepEqual([currentLanguage(), currentLocale()], ["de", "de"]);
  await speak("en");
  assert.deepEqual([currentLanguage(), currentLocale()], ["en", "en-GB"]);
  await assert.rejects(speak("pt"));
});

test("values stand where their names stood", () => {
  assert.equal(t("end.title", { client: "Budgetly" }), "End Budgetly?");
  assert.equal(t("end.title", { client: "{client}" }), "End {client}?");
});

test("one and many have their own forms", () => {
  assert.equal(t("people.accounts", { count: 1 }), "1 account");
  assert.equal(t("people.accounts", { count: 5 }), "5 accounts");
});
