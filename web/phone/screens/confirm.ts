/** What the passkey signs, told from the document itself. */

import type { App } from "../app.ts";
import type { Consent } from "../consent.ts";
import { paymentOf } from "../details.ts";
import { button, h, heading, pair } from "../dom.ts";
import { icon } from "../icons.ts";
import type { Journey } from "../journey.ts";
import type { PasskeyNotUsed } from "../passkey.ts";
import { t } from "../texts.ts";
import type { Account, Changed } from "../wire.ts";
import { changeNote, fresh, gives, gone } from "./change.ts";
import { holdBack } from "./hint.ts";
import { askedFor, busy, clientCard, shortIban } from "./parts.ts";
import { notMine, stopHere } from "./stage.ts";

type Failure = PasskeyNotUsed | "too early";

/** Stands behind the browser's passkey window; with `failed`, after it closed unused or was too early. */
export function showConfirm(app: App, journey: Journey, consent: Consent, failed?: Failure): void {
  const payment = paymentOf(consent.authorization_details);
  const ways = failed ? waysOn(app, journey) : undefined;
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
        changeNote(app, consent.client, consent.changes),
        h("h2", {}, t(payment ? "payment.from" : "choose.accounts")),
        h("ul", { class: "chosen" }, ...consent.accounts.map((account) => line(account, consent.changes))),
        h("h2", {}, t(payment ? "payment.what" : "choose.asked")),
        askedFor(app, consent, consent.changes?.scope),
        ...gone(consent.changes, consent.scope, consent.accounts),
      ),
      ways?.node,
    ),
    ...(ways ? { left: ways.left } : {}),
    back: () => void stopHere(app, journey),
  });
}

function line(account: Account, changes: Changed | undefined): HTMLElement {
  const had = gives(changes, account);
  return h("li", {}, h("span", { class: "account-name" }, account.name), " ", shortIban(account), " ", fresh(had));
}

function note(failed: Failure): HTMLElement {
  const why = failed === "too early" ? "early" : failed.trouble === "unable" ? "unable" : "failed";
  const text = t(`confirm.${why}`);
  return h("p", { class: "note warn", role: "status" }, icon("key"), text);
}

function waysOn(app: App, journey: Journey): { readonly node: HTMLElement; readonly left: () => void } {
  const refuse = button("button even no", t("refuse"), () => void busy(refuse, () => journey.refuse()));
  const again = button("button even", t("choose.approve"), () => {
    if (journey.secondsToWait() === 0) void busy(again, () => journey.signAgain());
  });
  const change = button("button plain wide", t("confirm.change"), () => void busy(change, () => journey.change()));
  const left = holdBack(app, journey, again);
  return { node: h("div", { class: "actions stacked" }, pair(refuse, again), change, notMine(app, journey)), left };
}
