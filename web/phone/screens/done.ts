/** Approved: the page goes on from here, on the computer or in this very browser. */

import type { App } from "../app.ts";
import type { Consent } from "../consent.ts";
import { paymentOf } from "../details.ts";
import { button, h, heading } from "../dom.ts";
import { icon } from "../icons.ts";
import type { Journey } from "../journey.ts";
import { t } from "../texts.ts";
import { showHome } from "./home.ts";
import { showMessage } from "./problem.ts";

/** With `back` the page began in this browser, which finishes there. */
export function showDone(app: App, journey: Journey, consent: Consent, back: string | undefined): void {
  const client = consent.client.name;
  if (back !== undefined) {
    journey.leave();
    const leave = (): void => location.replace(back);
    const title = t("done.back.title", { client });
    const ways = [{ label: t("done.back.go", { client }), go: leave }];
    showMessage(app, { title, text: t("done.back.text"), icon: "check", tone: "good", ways });
    return leave();
  }
  const home = (): void => {
    journey.leave();
    showHome(app, true);
  };
  const payment = paymentOf(consent.authorization_details);
  const values = {
    client,
    amount: payment ? app.format.money(payment.instructedAmount.amount, payment.instructedAmount.currency) : "",
    name: payment?.creditorName ?? "",
    count: consent.accounts.length,
    date: app.format.date(consent.valid_until),
  };
  app.show({
    node: h(
      "section",
      { class: "screen message" },
      h(
        "div",
        { class: "content" },
        h("span", { class: "seal good drawn" }, icon("check")),
        heading(journey.claimed.way === "asked" ? t("asked.done", { client }) : t("done.title")),
        h("p", { class: "soft" }, t(payment ? "payment.done" : consent.recurring ? "done.text" : "done.once", values)),
        payment ? undefined : h("p", { class: "soft" }, t("done.end")),
      ),
      h("div", { class: "actions stacked" }, button("button", t("home"), home)),
    ),
    back: home,
  });
}
