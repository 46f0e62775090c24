/** The frame that screens are shown in. */

import type { Api } from "./api.ts";
import type { Config } from "./config.ts";
import { button, h, pair } from "./dom.ts";
import type { Format } from "./format.ts";
import type { Phone, PhoneStore } from "./store.ts";
import type { Pending, SignedIn } from "./wire.ts";

export interface Screen {
  /** Holds one `h1`, which takes the focus and names the window. */
  readonly node: HTMLElement;
  /** What the screen must stop when another one comes. */
  readonly left?: () => void;
  /** What the device's "back" means here; without it, it leaves the app. */
  readonly back?: () => void;
}

export interface Question {
  readonly title: string;
  readonly text: string;
  readonly yes: string;
  readonly no: string;
}

export class App {
  readonly config: Config;
  readonly api: Api;
  readonly store: PhoneStore;
  readonly format: Format;
  /** The person's phone that this browser is now. */
  phone: Phone | undefined;
  /** Set while that phone may do nothing yet. */
  pending: Pending | undefined;
  /** The request that was opened by link, until somebody is signed in. It is kept nowhere else. */
  link: string | undefined;

  readonly #root: HTMLElement;
  readonly #live: HTMLElement;
  #screen: Screen | undefined;

  constructor(config: Config, api: Api, store: PhoneStore, format: Format, page: Document) {
    this.config = config;
    this.api = api;
    this.store = store;
    this.format = format;
    this.#root = page.getElementById("app") ?? page.body;
    this.#live = page.getElementById("live") ?? h("p");
    window.addEventListener("popstate", () => this.#wentBack());
  }

  usePhone(phone: Phone): void {
    this.phone = phone;
    this.pending = undefined;
    this.api.useKey(phone.key);
  }

  signedIn(answer: SignedIn): void {
    this.pending = answer.pending ?? undefined;
    this.api.signedIn(answer);
  }

  /** This browser is nobody's phone any more. */
  async forget(): Promise<void> {
    if (this.phone) await this.store.forget({ id: this.phone.personId });
    this.phone = this.pending = undefined;
    this.api.signOut();
  }

  show(screen: Screen): void {
    this.#screen?.left?.();
    this.#screen = screen;
    this.#root.replaceChildren(screen.node);
    this.#live.textContent = "";
    window.scrollTo(0, 0);
    this.#root.parentElement?.scrollTo(0, 0);
    const title = screen.node.querySelector("h1");
    title?.focus({ preventScroll: true });
    document.title = `${title?.textContent ?? ""} · ${this.config.bank}`;
    this.#holdBack();
  }

  isShown(screen: Screen): boolean {
    return this.#screen === screen;
  }

  /** Says something to those who do not see the screen. */
  announce(text: string): void {
    this.#live.textContent = text;
  }

  /** Asks over the screen; closing the question is a no. */
  ask({ title, text, yes, no }: Question): Promise<boolean> {
    return new Promise((resolve) => {
      const dialog = h("dialog", { class: "question", "aria-labelledby": "question" });
      const choose = (answer: string) => () => dialog.close(answer);
      dialog.append(
        h("h2", { id: "question", tabindex: "-1" }, title),
        h("p", { class: "soft" }, text),
        pair(button("button quiet", no, choose("no")), button("button", yes, choose("yes"))),
      );
      dialog.addEventListener("close", () => {
        dialog.remove();
        resolve(dialog.returnValue === "yes");
      });
      document.body.append(dialog);
      dialog.showModal();
      dialog.querySelector("h2")?.focus();
    });
  }

  // One entry in the browser's history stands before a screen that has a way back, so that
  // the device's own "back" goes there and does not throw the person out of the app.
  #holdBack(): void {
    if (this.#screen?.back && history.state !== "held") history.pushState("held", "");
  }

  #wentBack(): void {
    if (history.state === "held") return;
    this.#screen?.back?.();
    this.#holdBack();
  }
}
