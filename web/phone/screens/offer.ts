/**
 * A request that this phone holds and has not decided: left before, or claimed by its passkey on the page.
 * Without one, what an app asks this person by itself.
 */

import type { App } from "../app.ts";
import { button, h } from "../dom.ts";
import { t } from "../texts.ts";
import { signIn } from "../session.ts";
import type { Asked, Claimed, Journeys } from "../wire.ts";
import { openJourney } from "./ask.ts";
import { JOURNEY_SECONDS, showHome } from "./home.ts";
import { busy } from "./parts.ts";
import { attempt } from "./problem.ts";

const LOOK_EVERY_MS = 3000;

function card(title: string, text: string, go: HTMLElement): HTMLElement {
  const words = h(
    "span",
    { class: "card-text" },
    h("span", { class: "card-title" }, title),
    " ",
    h("span", { class: "soft small" }, text),
  );
  return h("div", { class: "card offer" }, words, go);
}

export class Offer {
  readonly node: HTMLElement;
  readonly #app: App;
  #shown: string | undefined;
  #stopped = false;
  #next: ReturnType<typeof setTimeout> | undefined;

  constructor(app: App) {
    this.#app = app;
    this.node = h("div", { class: "offers", role: "status" });
  }

  /** Looks now and again and again, until it is stopped; while nobody sees the app, not at all. */
  async watch(): Promise<void> {
    if (document.visibilityState === "visible") await this.#look();
    if (!this.#stopped) this.#next = setTimeout(() => void this.watch(), LOOK_EVERY_MS);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#next);
  }

  async #look(): Promise<void> {
    const options = { signedIn: true, background: true };
    const held = await this.#app.api
      .call<Journeys>("GET", "/phone/journeys", options)
      // What failed now is asked again in a moment.
      .catch(() => undefined);
    if (held === undefined || this.#stopped) return;
    const [claimed] = held.journeys;
    const [asked] = held.asked;
    const shown = claimed?.journey ?? asked?.journey;
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.node.replaceChildren(...(claimed ? [this.#held(claimed)] : asked ? [this.#asked(asked)] : []));
  }

  #held(claimed: Claimed): HTMLElement {
    const go = button("button", t("offer.go"), () => openJourney(this.#app, claimed));
    return card(t("offer.title", { client: claimed.client.name }), t("offer.text"), go);
  }

  #asked(asked: Asked): HTMLElement {
    const go = button("button", t("asked.go"), () => void busy(go, () => attempt(this.#app, take, () => showHome(this.#app))));
    const take = async (): Promise<void> => {
      if (!this.#app.api.lasts(JOURNEY_SECONDS)) await signIn(this.#app);
      const options = { body: { journey: asked.journey }, signedIn: true };
      openJourney(this.#app, await this.#app.api.call<Claimed>("POST", "/phone/take", options));
    };
    return card(t("asked.title", { client: asked.client.name }), asked.binding_message, go);
  }
}
