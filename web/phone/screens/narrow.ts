/** Fewer accounts for a connection: the person ticks those that stay. */

import type { App } from "../app.ts";
import { button, h, heading, pair } from "../dom.ts";
import { t } from "../texts.ts";
import type { Account, Connection } from "../wire.ts";
import { showConnection } from "./connection.ts";
import { busy, mark, shortIban } from "./parts.ts";
import { attempt } from "./problem.ts";

export function showNarrow(app: App, connection: Connection): void {
  const client = connection.client.name;
  const away = (): void => showConnection(app, connection);
  const boxes = connection.accounts.map((one) =>
    h("input", { type: "checkbox", name: "account", value: one.resourceId }),
  );
  const count = h("p", { class: "soft small", "aria-live": "polite" });
  const warning = h("p", { class: "note warn", role: "alert" });
  const chosen = (): string[] => boxes.filter((one) => one.checked).map((one) => one.value);
  const update = (): void => {
    count.textContent = t("choose.count", { count: chosen().length, total: boxes.length });
    warning.textContent = "";
  };
  const send = async (): Promise<void> => {
    const path = `/phone/connections/${encodeURIComponent(connection.grant_id)}/narrow`;
    const after = await app.api.call<Connection>("POST", path, { body: { accounts: chosen() }, signedIn: true });
    showConnection(app, after, t("narrow.done", { client, count: after.accounts.length }));
  };
  const go = button("button", t("narrow.go"), () => {
    const few = chosen().length;
    if (few > 0 && few < boxes.length) return void busy(go, () => attempt(app, send, away));
    warning.textContent = t(few === 0 ? "narrow.none" : "narrow.all");
    boxes[0]?.focus();
  });
  const rows = h(
    "fieldset",
    { class: "accounts" },
    h("legend", {}, h("h2", {}, t("narrow.stay"))),
    count,
    ...connection.accounts.map((account, place) => row(account, boxes[place]!)),
  );
  rows.addEventListener("change", update);
  update();
  app.show({
    node: h(
      "section",
      { class: "screen" },
      h(
        "div",
        { class: "content" },
        h("div", { class: "titled" }, mark(client), heading(t("narrow.title", { client }))),
        h("p", { class: "soft" }, t("narrow.help", { client })),
        rows,
      ),
      h("div", { class: "actions" }, warning, pair(button("button quiet", t("back"), away), go)),
    ),
    back: away,
  });
}

function row(account: Account, input: HTMLInputElement): HTMLElement {
  return h(
    "label",
    { class: "account" },
    input,
    h("span", { class: "account-text" }, h("span", { class: "account-name" }, account.name), " ", shortIban(account)),
  );
}
