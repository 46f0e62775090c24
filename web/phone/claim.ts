/** What to do with each text that the reader finds while a moving code is scanned. */

import { Refused } from "./api.ts";
import { readScanned } from "./scanned.ts";
import type { TextKey } from "./texts.ts";

export type Verdict<Answer> =
  /** The scan is over: here is what it was for. */
  | { readonly done: Answer }
  /** Go on, and say this (or nothing). */
  | { readonly say: TextKey | undefined }
  /** Too many codes were refused: stop and say so. */
  | { readonly stale: true };

export interface Aim<Answer> {
  /** What is looked for. */
  readonly kind: "frame" | "enrolment";
  /** Takes what was found to the server; a refused code may be followed by a better one. */
  readonly take: (found: string) => Promise<Answer>;
}

// A frame lives for seconds: one that dies on the way is nobody's fault, several are worth a word.
const SILENT_TRIES = 2;
const SILENT_MS = 6000;
const TRIES = 8;
const PATIENCE_MS = 20_000;

export class Sieve<Answer> {
  readonly #issuer: string;
  readonly #aim: Aim<Answer>;
  readonly #now: () => number;
  readonly #tried = new Set<string>();
  #firstRefusal: number | undefined;

  /** `now` is in milliseconds and never steps back. */
  constructor(issuer: string, aim: Aim<Answer>, now: () => number) {
    this.#issuer = issuer;
    this.#aim = aim;
    this.#now = now;
  }

  /** Judges the texts of one picture. Errors other than a refused code are thrown. */
  async consider(texts: readonly string[]): Promise<Verdict<Answer>> {
    let say: TextKey | undefined;
    for (const text of texts) {
      const found = readScanned(text, this.#issuer);
      if (found.kind === "foreign") say ??= "scan.foreign";
      else if (found.kind === "newer") say = "scan.newer";
      else if (found.kind !== this.#aim.kind) say = found.kind === "frame" ? "scan.frame" : "scan.enrolment";
      else return this.#take(found.kind === "frame" ? found.text : found.code);
    }
    return { say };
  }

  async #take(found: string): Promise<Verdict<Answer>> {
    if (!this.#tried.has(found)) {
      try {
        const done = await this.#aim.take(found);
        return { done };
      } catch (error) {
        if (!(error instanceof Refused && error.code === "code_not_accepted")) throw error;
        this.#tried.add(found);
        this.#firstRefusal ??= this.#now();
      }
    }
    const since = this.#now() - (this.#firstRefusal ?? this.#now());
    if (this.#tried.size >= TRIES || since > PATIENCE_MS) return { stale: true };
    return { say: this.#tried.size > SILENT_TRIES || since > SILENT_MS ? "scan.stale" : undefined };
  }
}
