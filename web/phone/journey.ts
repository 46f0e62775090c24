/** One request on this phone, from the scan to the answer. */

import { Refused, Unreachable } from "./api.ts";
import type { App } from "./app.ts";
import { readConsent, WrongDocument, type Consent } from "./consent.ts";
import { PasskeyNotUsed, stopPasskey, usePasskey } from "./passkey.ts";
import { thumbprint } from "./proof.ts";
import { watch } from "./watch.ts";
import type { Claimed, Matched, Review, State } from "./wire.ts";

/** The screens that a journey moves between. */
export interface Stage {
  choose(matched: Matched): void;
  confirm(consent: Consent): void;
  notConfirmed(consent: Consent, error: PasskeyNotUsed): void;
  done(consent: Consent): void;
  refused(): void;
  /** It ended elsewhere; `approved` is true where only the computer did not finish. */
  ended(state: "cancelled" | "killed" | "expired", approved: boolean): void;
  failed(error: unknown, again: (() => void) | undefined): void;
}

interface Signing {
  readonly review: Review;
  readonly consent: Consent;
}

export class Journey {
  readonly claimed: Claimed;
  readonly #app: App;
  readonly #stage: Stage;
  readonly #watching = new AbortController();
  readonly #since = performance.now();
  #matched: Matched | undefined;
  #signing: Signing | undefined;
  #answered: "approved" | "rejected" | undefined;
  #over = false;

  constructor(app: App, claimed: Claimed, stage: Stage) {
    this.#app = app;
    this.claimed = claimed;
    this.#stage = stage;
    void watch(app.api, claimed.journey, "claimed", (state) => this.#heard(state), this.#watching.signal);
  }

  /** Seconds since the browser began, as of now. */
  secondsAgo(): number {
    return this.claimed.started.seconds_ago + (performance.now() - this.#since) / 1000;
  }

  /** "Yes, that screen is in front of me." */
  async match(number: number | undefined): Promise<void> {
    await this.#step(async () => {
      this.#matched = await this.#call<Matched>("match", number === undefined ? {} : { number });
      this.#stage.choose(this.#matched);
    });
  }

  async refuse(): Promise<void> {
    await this.#step(async () => {
      await this.#call("refuse");
      this.#answer("rejected");
    });
  }

  /** Freezes the choice into a document, shows what the document says, and signs it. */
  async approve(accounts: readonly string[]): Promise<void> {
    await this.#step(async () => {
      const review = await this.#call<Review>("review", { accounts });
      const consent = await this.#read(review, accounts);
      this.#signing = { review, consent };
      await this.#sign(this.#signing);
    });
  }

  /** The passkey again, over the same document. */
  async signAgain(): Promise<void> {
    const signing = this.#signing;
    if (signing) await this.#step(() => this.#sign(signing));
  }

  /** Back to the accounts. The document that was shown can no longer be signed. */
  async change(): Promise<void> {
    await this.#step(async () => {
      this.#matched = await this.#call<Matched>("edit");
      this.#signing = undefined;
      this.#stage.choose(this.#matched);
    });
  }

  /** No more screens from this journey. */
  leave(): void {
    this.#over = true;
    this.#watching.abort();
  }

  async #sign({ review, consent }: Signing): Promise<void> {
    this.#stage.confirm(consent);
    await nextFrame();
    if (this.#over) return;
    let credential;
    try {
      credential = await usePasskey(review.options);
    } catch (error) {
      if (!this.#over && error instanceof PasskeyNotUsed) return this.#stage.notConfirmed(consent, error);
      throw error;
    }
    await this.#call("approve", { credential });
    this.#answer("approved");
  }

  async #read(review: Review, accounts: readonly string[]): Promise<Consent> {
    const { phone, config } = this.#app;
    const matched = this.#matched;
    if (!phone || !matched) throw new WrongDocument("journey");
    return readConsent(review.document, {
      challenge: review.options.challenge,
      issuer: config.issuer,
      person: phone.personId,
      device: await thumbprint(phone.key.jwk),
      clientId: this.claimed.client.client_id,
      accounts,
      scope: matched.scope,
      validUntil: matched.valid_until,
    });
  }

  #call<Answer>(step: string, fields: object = {}): Promise<Answer> {
    const body = { journey: this.claimed.journey, ...fields };
    return this.#app.api.call<Answer>("POST", `/phone/${step}`, { body, signedIn: true });
  }

  /** One step of the person's. Its errors are shown, unless the journey is over and says why itself. */
  async #step(step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      if (this.#over || this.#answered) return;
      if (error instanceof WrongDocument) void this.#call("refuse").catch(() => undefined);
      if (error instanceof Refused && this.#endedBy(error.state)) return;
      const mayHelp = error instanceof Unreachable || (error instanceof Refused && error.status >= 500);
      if (!mayHelp) this.leave();
      this.#stage.failed(error, mayHelp ? () => void this.#step(step) : undefined);
    }
  }

  #heard(state: State): void {
    if (this.#over) return;
    if (state === "approved" || state === "redirected") this.#answer("approved");
    else if (state === "rejected") this.#answer("rejected");
    else this.#endedBy(state);
  }

  #endedBy(state: State | undefined): boolean {
    if (state !== "cancelled" && state !== "killed" && state !== "expired") return false;
    this.leave();
    stopPasskey();
    this.#stage.ended(state, this.#answered === "approved");
    return true;
  }

  // The call's own answer and the watch may both bring the news, in either order.
  #answer(answer: "approved" | "rejected"): void {
    if (this.#answered || this.#over) return;
    this.#answered = answer;
    if (answer === "approved" && this.#signing) return this.#stage.done(this.#signing.consent);
    this.leave();
    this.#stage.refused();
  }
}

/** Lets the browser paint what was just shown. */
function nextFrame(): Promise<void> {
  return new Promise((resolve) => {
    // A hidden window paints nothing, and would wait for ever.
    if (document.visibilityState === "hidden") resolve();
    else requestAnimationFrame(() => setTimeout(resolve));
  });
}
