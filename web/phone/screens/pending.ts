/** A new phone that may do nothing yet: whose it is to be, and the digits by which others know it. */

import { Refused } from "../api.ts";
import type { App } from "../app.ts";
import { button, h, heading } from "../dom.ts";
import { icon } from "../icons.ts";
import { t } from "../texts.ts";
import type { Pending, Phones } from "../wire.ts";
import { showHome } from "./home.ts";
import { busy } from "./parts.ts";
import { showProblem } from "./problem.ts";

const LOOK_MS = 3000;

/** The first screen of an app that has just been opened. */
export function showOpened(app: App): void {
  if (app.pending) showPending(app, app.pending);
  else showHome(app);
}

export function showPending(app: App, pending: Pending): void {
  const { bank } = app.config;
  const { usable_from: usableFrom } = pending;
  const closed = h("p", { class: "note warn", role: "status" });
  const look = new Look(app, pending, () => (closed.textContent = t("pending.closed")));
  const again = button("button quiet", t("pending.look"), () => void busy(again, () => look.now()));
  app.show({
    node: h(
      "section",
      { class: "screen message" },
      h(
        "div",
        { class: "content" },
        h("span", { class: "seal brand" }, icon(usableFrom === null ? "phone" : "once")),
        heading(t(usableFrom === null ? "pending.title" : "pending.wait.title")),
        h("p", { class: "person" }, app.phone?.personName ?? ""),
        h("p", { class: "soft small" }, t("enrol.at", { bank })),
        usableFrom === null ? undefined : h("p", {}, t("pending.wait", { when: app.format.moment(usableFrom) })),
        digitsShown(pending.digits),
        h("p", { class: "soft" }, t(usableFrom === null ? "pending.help" : "pending.wait.help")),
      ),
      h("div", { class: "actions stacked" }, closed, again),
    ),
    left: () => look.stop(),
  });
  look.start();
}

/** Two groups of three to the eye; one by one to the ear. */
function digitsShown(digits: string): HTMLElement {
  return h(
    "p",
    { class: "digits" },
    h("span", { "aria-hidden": "true" }, `${digits.slice(0, 3)} ${digits.slice(3)}`),
    h("span", { class: "visually-hidden" }, t("pending.digits", { digits: [...digits].join(" ") })),
  );
}

/** Looks again and again whether the phone may act by now. */
class Look {
  readonly #app: App;
  readonly #pending: Pending;
  readonly #signedOut: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #left = false;

  constructor(app: App, pending: Pending, signedOut: () => void) {
    this.#app = app;
    this.#pending = pending;
    this.#signedOut = signedOut;
  }

  start(): void {
    this.#timer = setTimeout(() => void this.#look(true), LOOK_MS);
  }

  stop(): void {
    this.#left = true;
    clearTimeout(this.#timer);
  }

  /** The person asks: now they may also be asked to sign in. */
  async now(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#look(false);
  }

  async #look(background: boolean): Promise<void> {
    try {
      await this.#app.api.call<Phones>("GET", "/phone/phones", { signedIn: true, background });
    } catch (error) {
      if (!this.#left) this.#notYet(error, background);
      return;
    }
    if (this.#left) return;
    this.#app.pending = undefined;
    showHome(this.#app);
    this.#app.announce(t("pending.done"));
  }

  #notYet(error: unknown, background: boolean): void {
    const app = this.#app;
    if (error instanceof Refused && error.code === "phone_pending") {
      const usable = error.fields["usable_from"];
      app.pending = { ...this.#pending, usable_from: typeof usable === "string" ? usable : null };
      if (app.pending.usable_from !== this.#pending.usable_from) return showPending(app, app.pending);
      return this.start();
    }
    if (!background) return showProblem(app, error, undefined, () => showOpened(app));
    // The digits stay where somebody may be reading them, also when the sign-in has run out.
    if (error instanceof Refused && error.code === "sign_in_required") return this.#signedOut();
    this.start();
  }
}
