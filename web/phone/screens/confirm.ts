/** What the passkey signs, told from the document itself. */

import type { App } from "../app.ts";
import type { Consent } from "../consent.ts";
import { button, h, heading, pair } from "../dom.ts";
import { icon } from "../icons.ts";
import type { Journey } from "../journey.ts";
import type { PasskeyNotUsed } from "../passkey.ts";
import { t } from "../texts.ts";
import { askedFor, busy, clientCard, shortIban } from "./parts.ts";
import { stopHere } from "./stage.ts";

/** Stands behind the browser's passkey window; with `failed`, after it closed unused. */
export function showConfirm(app: App, journey: Journey, consent: Consent, failed?: PasskeyNotUsed): void {
  app.show({
    node: h(
      "section",
      { class: "screen sheet" },
      h(
        "div",
        { class: "content" },
        heading(t(failed ? "confirm.failed.title" : "confirm.title")),
        failed ? note(failed) : h("p", { class: "soft" }, t("confirm.help")),
        clientCard(consent.client),
        h("h2", {}, t("choose.accounts")),
        h("ul", { class: "chosen" }, ...consent.accounts.map(line)),
        h("h2", {}, t("choose.asked")),
        askedFor(app, consent),
      ),
      failed ? ways(journey) : undefined,
    ),
    back: () => void stopHere(app, journey),
  });
}

function line(account: Consent["accounts"][number]): HTMLElement {
  return h("li", {}, h("span", { class: "account-name" }, account.name), " ", shortIban(account));
}

function note(failed: PasskeyNotUsed): HTMLElement {
  const text = t(failed.trouble === "unable" ? "confirm.unable" : "confirm.failed");
  return h("p", { class: "note warn", role: "status" }, icon("key"), text);
}

function ways(journey: Journey): HTMLElement {
  const refuse = button("button even no", t("refuse"), () => void busy(refuse, () => journey.refuse()));
  const again = button("button even", t("choose.approve"), () => void busy(again, () => journey.signAgain()));
  const change = button("button plain wide", t("confirm.change"), () => void busy(change, () => journey.change()));
  return h("div", { class: "actions" }, pair(refuse, again), change);
}
