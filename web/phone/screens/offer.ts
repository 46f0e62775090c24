/** A request that this phone holds and has not decided: left before, or claimed by its passkey on the page. */

import type { App } from "../app.ts";
import { button, h } from "../dom.ts";
import { t } from "../texts.ts";
import type { Claimed, Journeys } from "../wire.ts";
import { openJourney } from "./ask.ts";

const LOOK_EVERY_MS = 3000;

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
    if (claimed?.journey === this.#shown) return;
    this.#shown = claimed?.journey;
    this.node.replaceChildren(...(claimed ? [this.#card(claimed)] : []));
  }

  #card(claimed: Claimed): HTMLElement {
    const go = button("button", t("offer.go"), () => openJourney(this.#app, claimed));
    const text = h(
      "span",
      { class: "card-text" },
      h("span", { class: "card-title" }, t("offer.title", { client: claimed.client.name })),
      " ",
      h("span", { class: "soft small" }, t("offer.text")),
    );
    return h("div", { class: "card offer" }, text, go);
  }
}
