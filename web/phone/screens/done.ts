/** Approved: the computer goes on from here. */

import type { App } from "../app.ts";
import type { Consent } from "../consent.ts";
import { button, h, heading } from "../dom.ts";
import { icon } from "../icons.ts";
import type { Journey } from "../journey.ts";
import { t } from "../texts.ts";
import { showHome } from "./home.ts";

export function showDone(app: App, journey: Journey, consent: Consent): void {
  const home = (): void => {
    journey.leave();
    showHome(app, true);
  };
  const values = {
    client: consent.client.name,
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
        heading(t("done.title")),
        h("p", { class: "soft" }, t(consent.recurring ? "done.text" : "done.once", values)),
        h("p", { class: "soft" }, t("done.end")),
      ),
      h("div", { class: "actions stacked" }, button("button", t("home"), home)),
    ),
    back: home,
  });
}
