/** A renewal: what the passkey signs, told from the document itself. */

import type { App } from "../app.ts";
import { button, h, heading, pair } from "../dom.ts";
import { icon } from "../icons.ts";
import { PasskeyNotUsed } from "../passkey.ts";
import { askRenewal, signRenewal, type Offer } from "../renewal.ts";
import { t } from "../texts.ts";
import type { Connection } from "../wire.ts";
import { showConnection } from "./connection.ts";
import { accountLine, askedFor, busy, clientCard, fact } from "./parts.ts";
import { attempt, showProblem } from "./problem.ts";

/** Asks the bank for the document, and shows what it says. */
export function showRenewal(app: App, connection: Connection): Promise<void> {
  const away = (): void => showConnection(app, connection);
  return attempt(app, async () => showOffer(app, connection, await askRenewal(app, connection)), away);
}

function showOffer(app: App, connection: Connection, offer: Offer): void {
  const { consent } = offer;
  const { format } = app;
  const away = (): void => showConnection(app, connection);
  const failed = h("p", { class: "note warn", role: "alert" });
  const go = button("button even", t("renew.go"), () => void busy(go, sign));
  const sign = async (): Promise<void> => {
    failed.textContent = "";
    try {
      const after = await signRenewal(app, offer);
      const said = t("renew.done", { client: after.client.name, date: format.date(after.valid_until) });
      showConnection(app, after, said);
    } catch (error) {
      if (!(error instanceof PasskeyNotUsed)) return showProblem(app, error, undefined, away);
      failed.replaceChildren(icon("key"), t(error.trouble === "unable" ? "renew.unable" : "renew.failed"));
    }
  };
  app.show({
    node: h(
      "section",
      { class: "screen sheet" },
      h(
        "div",
        { class: "content" },
        heading(t("renew.title", { client: consent.client.name })),
        h("p", { class: "soft" }, t("confirm.help")),
        clientCard(consent.client),
        h(
          "dl",
          { class: "facts" },
          fact(t("renew.now"), format.date(connection.valid_until)),
          fact(t("renew.then"), format.date(consent.valid_until)),
        ),
        h("h2", {}, t("list.accounts")),
        h("ul", { class: "chosen" }, ...consent.accounts.map(accountLine)),
        h("h2", {}, t("choose.asked")),
        askedFor(app, consent),
      ),
      h("div", { class: "actions" }, failed, pair(button("button even no", t("renew.keep"), away), go)),
    ),
    back: away,
  });
}
