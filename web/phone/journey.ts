/** One request on this phone, from the claim to the answer. */

import { Refused, Unreachable } from "./api.ts";
import type { App } from "./app.ts";
import { readConsent, WrongDocument, type Consent } from "./consent.ts";
import { PasskeyNotUsed, stopPasskey, usePasskey } from "./passkey.ts";
import { thumbprint } from "./proof.ts";
import { isWayBack } from "./scanned.ts";
import { currentLanguage, currentLocale } from "./texts.ts";
import { watch } from "./watch.ts";
import type { Claimed, Matched, Moved, Review, State } from "./wire.ts";

export type Ending = "cancelled" | "killed" | "expired";

/** The screens that a journey moves between. */
export interface Stage {
  ask(): void;
  choose(matched: Matched): void;
  confirm(consent: Consent): void;
  /** The passkey was not used, or it was used before the warning had been there long enough. */
  notConfirmed(consent: Consent, error: PasskeyNotUsed | undefined): void;
  /** `back` is where this browser must go to finish, where it is the one that began. */
  done(consent: Consent, back: string | undefined): void;
  refused(): void;
  disowned(): void;
  /** It ended elsewhere; `reason` says why it was stopped, `approved` that only the page did not finish. */
  ended(state: Ending, reason: string | undefined, approved: boolean): void;
  failed(error: unknown, again: (() => void) | undefined): void;
}

interface Signing {
  readonly review: Review;
  readonly consent: Consent;
}

type Answer = "approved" | "rejected" | "disowned";

export class Journey {
  readonly claimed: Claimed;
  readonly #app: App;
  readonly #stage: Stage;
  readonly #watching = new AbortController();
  readonly #since = performance.now();
  #waitUntil: number;
  #matched: Matched | undefined;
  #signing: Signing | undefined;
  #answered: Answer | undefined;
  #disowning = false;
  #over = false;

  constructor(app: App, claimed: Claimed, stage: Stage) {
    this.#app = app;
    this.claimed = claimed;
    this.#stage = stage;
    this.#waitUntil = this.#since + claimed.hint.wait * 1000;
    void watch(app.api, claimed.journey, claimed.state, (moved) => this.#heard(moved), this.#watching.signal);
  }

  /** Seconds since the browser began, as of now. */
  secondsAgo(): number {
    return this.claimed.started.seconds_ago + (performance.now() - this.#since) / 1000;
  }

  /** Whole seconds until an approval counts; 0 at once. */
  secondsToWait(): number {
    return Math.max(0, Math.ceil((this.#waitUntil - performance.now()) / 1000));
  }

  /** Shows the screen on which this phone left it. */
  async open(): Promise<void> {
    if (this.claimed.state === "claimed") return this.#stage.ask();
    await this.change();
  }

  /** "Yes, that screen is in front of me", with its number where one is asked: there is one try. */
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

  /** "I did not start this": all that is under way in that browser ends, and the bank is told. */
  async disown(): Promise<void> {
    this.#disowning = true;
    await this.#step(async () => {
      await this.#call("disown");
      this.#answer("disowned");
    });
  }

  /** Freezes the choice into a document, shows what the document says, and signs it. */
  async approve(accounts: readonly string[]): Promise<void> {
    await this.#step(async () => {
      const review = await this.#call<Review>("review", { accounts, locale: currentLocale() });
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

  /** What is asked cannot be shown here, so it is refused. */
  strange(): void {
    void this.#step(() => Promise.reject(new WrongDocument("authorization_details")));
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
    try {
      const { return_url: back } = await this.#call<Moved>("approve", { credential });
      this.#answer("approved", back);
    } catch (error) {
      if (!(error instanceof Refused && error.code === "too_early")) throw error;
      this.#waitUntil = performance.now() + Number(error.fields["wait"] ?? 1) * 1000;
      this.#stage.notConfirmed(consent, undefined);
    }
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
      client: this.claimed.client,
      accounts,
      scope: matched.scope,
      recurring: matched.recurring,
      details: matched.authorization_details,
      validUntil: matched.valid_until,
      locale: currentLanguage(),
      ...(this.claimed.binding_message === null ? {} : { message: this.claimed.binding_message }),
      changes: matched.changes ?? undefined,
    });
  }

  #call<Result>(step: string, fields: object = {}): Promise<Result> {
    const body = { journey: this.claimed.journey, ...fields };
    return this.#app.api.call<Result>("POST", `/phone/${step}`, { body, signedIn: true });
  }

  /** One step of the person's. Its errors are shown, unless the journey is over and says why itself. */
  async #step(step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      if (this.#over || this.#answered) return;
      if (error instanceof WrongDocument) void this.#call("refuse").catch(() => undefined);
      if (error instanceof Refused && isEnding(error.state)) return this.#learnEnd(error.state);
      const mayHelp = error instanceof Unreachable || (error instanceof Refused && error.status >= 500);
      if (!mayHelp) this.leave();
      this.#stage.failed(error, mayHelp ? () => void this.#step(step) : undefined);
    }
  }

  /** A step was too late: the watch, asked for what it cannot know, says at once what came before it. */
  async #learnEnd(state: Ending): Promise<void> {
    const asked = this.#call<Moved>("watch", { state: "unknown" });
    const moved = await asked.catch(() => undefined);
    if (!this.#over) this.#endedBy(state, moved?.reason ?? undefined);
  }

  #heard({ state, reason, return_url: back }: Moved): void {
    if (this.#over) return;
    if (state === "approved" || state === "redirected") this.#answer("approved", back);
    else if (state === "rejected") this.#answer(this.#disowning ? "disowned" : "rejected");
    else if (isEnding(state)) this.#endedBy(state, reason ?? undefined);
  }

  #endedBy(state: Ending, reason: string | undefined): void {
    this.leave();
    stopPasskey();
    this.#stage.ended(state, reason, this.#answered === "approved");
  }

  // The call's own answer and the watch may both bring the news, in either order.
  #answer(answer: Answer, back: string | null = null): void {
    if (this.#answered || this.#over) return;
    this.#answered = answer;
    if (answer === "approved" && this.#signing) return this.#stage.done(this.#signing.consent, this.#wayBack(back));
    this.leave();
    if (answer === "disowned") this.#stage.disowned();
    else this.#stage.refused();
  }

  #wayBack(back: string | null): string | undefined {
    return back !== null && isWayBack(back, this.#app.config.issuer) ? back : undefined;
  }
}

function isEnding(state: State | undefined): state is Ending {
  return state === "cancelled" || state === "killed" || state === "expired";
}

/** Lets the browser paint what was just shown. */
function nextFrame(): Promise<void> {
  return new Promise((resolve) => {
    // A hidden window paints nothing, and would wait for ever.
    if (document.visibilityState === "hidden") resolve();
    else requestAnimationFrame(() => setTimeout(resolve));
  });
}
