/** What happened to the person's connections and phones, a sentence each. */

import type { App } from "../app.ts";
import { button, h, heading } from "../dom.ts";
import { deviceName } from "../format.ts";
import { icon, type IconName } from "../icons.ts";
import { isText, t, type TextKey } from "../texts.ts";
import type { Notice, Notices } from "../wire.ts";
import { findConnection } from "./connection.ts";
import { showHome } from "./home.ts";
import { waiting } from "./parts.ts";
import { showPhones } from "./phones.ts";
import { attempt } from "./problem.ts";

export function showNotices(app: App): void {
  app.show({ node: waiting(t("notices.loading")) });
  const home = (): void => showHome(app);
  void attempt(
    app,
    async () => {
      const { notices } = await app.api.call<Notices>("GET", "/phone/notices", { signedIn: true });
      showList(app, notices);
      await markRead(app, notices);
    },
    home,
  );
}

function showList(app: App, notices: readonly Notice[]): void {
  const home = (): void => showHome(app);
  const list =
    notices.length === 0
      ? h("div", { class: "empty" }, h("p", {}, t("notices.none")))
      : h("ul", { class: "cards" }, ...notices.map((one) => h("li", {}, card(app, one))));
  app.show({
    node: h(
      "section",
      { class: "screen" },
      h(
        "div",
        { class: "content" },
        h("header", { class: "intro" }, heading(t("notices.title"))),
        list,
        button("button plain wide", t("back"), home),
      ),
    ),
    back: home,
  });
}

/** Where it fails they stay unread, and are shown as new once more. */
async function markRead(app: App, notices: readonly Notice[]): Promise<void> {
  const unread = notices.filter((one) => one.unread).map((one) => one.id);
  if (unread.length === 0) return;
  const options = { body: { notices: unread }, signedIn: true, background: true };
  await app.api.call("POST", "/phone/notices/read", options).catch(() => undefined);
}

function card(app: App, notice: Notice): HTMLElement {
  const { grant_id: grantId } = notice;
  const away = (): void => showNotices(app);
  const open = (): void => (grantId === null ? showPhones(app) : findConnection(app, grantId, away));
  const element = button("card pick", h("span", { class: "mark new", "aria-hidden": "true" }, icon(drawing(notice))), open);
  const text = h("span", { class: "card-text" }, h("span", { class: "strong" }, sentence(app, notice)), " ");
  const help = `notice.${notice.kind}.help`;
  const joined = notice.kind === "phone_enrolled" && notice.phone_id === app.phone?.phoneId;
  if (isText(help) && !joined) text.append(h("span", { class: "small" }, t(help, { bank: app.config.bank })), " ");
  const chip = notice.unread ? h("span", { class: "chip" }, t("list.new")) : undefined;
  text.append(h("span", { class: "soft small when" }, app.format.recently(notice.at, Date.now()), " ", chip ?? ""));
  element.append(text, icon("next"));
  return element;
}

function drawing({ kind, by }: Notice): IconName {
  if (by === "misuse") return "warning";
  return kind.startsWith("phone_") ? "phone" : "accounts";
}

/** By kind; where it matters who did it, there is a text for each. */
function sentence(app: App, { kind, by, client_name, phone_name }: Notice): string {
  const values = {
    client: client_name ?? t("notice.app"),
    phone: deviceName(phone_name ?? ""),
    bank: app.config.bank,
  };
  const keys: string[] = [`notice.${kind}.${by}`, `notice.${kind}`];
  return t(keys.find(isText) ?? ("notice.unknown" satisfies TextKey), values);
}
