/** Every text a person reads here, in the person's language. A text is an ICU message. */

import { IntlMessageFormat } from "intl-messageformat";
import type { TextKey, Texts } from "./texts/en.ts";

export type { TextKey } from "./texts/en.ts";
export type Values = Readonly<Record<string, string | number>>;

// Imported when asked for, so that a phone loads the language it speaks and no other.
const LANGUAGES: Readonly<Record<string, () => Promise<{ TEXTS: Texts }>>> = {
  en: () => import("./texts/en.ts"),
  nl: () => import("./texts/nl.ts"),
  de: () => import("./texts/de.ts"),
  fr: () => import("./texts/fr.ts"),
  es: () => import("./texts/es.ts"),
};

interface Spoken {
  readonly language: string;
  readonly texts: Texts;
  /** Messages read so far. */
  readonly messages: Map<TextKey, IntlMessageFormat>;
}

let spoken: Spoken | undefined;

/** The first language tag, of those a person prefers, that there are texts in; English if there is none. */
export function chosenLanguage(preferred: readonly string[]): string {
  const known = preferred.map((tag) => tag.split("-", 1)[0]?.toLowerCase() ?? "");
  return known.find((language) => Object.hasOwn(LANGUAGES, language)) ?? "en";
}

/** Loads the texts of a language, which `t` gives from then on. */
export async function speak(language: string): Promise<void> {
  const load = LANGUAGES[language];
  if (load === undefined) throw new Error(`There are no texts in ${language}.`);
  spoken = { language, texts: (await load()).TEXTS, messages: new Map() };
}

/** Whether there is a text of this key, where a server names it. */
export function isText(key: string): key is TextKey {
  return Object.hasOwn(speaking().texts, key);
}

/** The language that texts are in now. */
export function currentLanguage(): string {
  return speaking().language;
}

/** What dates, money and counts are written by. Day before month, as the banks that this serves write it. */
export function currentLocale(): string {
  const language = currentLanguage();
  return language === "en" ? "en-GB" : language;
}

/** The text of a key, with its values filled in. */
export function t(key: TextKey, values: Values = {}): string {
  const { texts, messages } = speaking();
  let message = messages.get(key);
  if (message === undefined) {
    message = new IntlMessageFormat(texts[key], currentLocale());
    messages.set(key, message);
  }
  return String(message.format(values));
}

function speaking(): Spoken {
  if (spoken === undefined) throw new Error("No language was loaded.");
  return spoken;
}
