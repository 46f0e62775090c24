/** The app is this person's, and closed. */

import type { App } from "../app.ts";
import { button, h, heading } from "../dom.ts";
import { firstName } from "../format.ts";
import { icon } from "../icons.ts";
import { signIn } from "../session.ts";
import type { Phone } from "../store.ts";
import { t } from "../texts.ts";
import { linkHint } from "./link.ts";
import { busy } from "./parts.ts";
import { showOpened } from "./pending.ts";
import { attempt } from "./problem.ts";
import { showStart } from "./start.ts";

export function showLock(app: App, phone: Phone): void {
  const closed = (): void => showLock(app, phone);
  const go = button("button", t("lock.go"), () => void busy(go, () => attempt(app, open, closed)));
  const open = async (): Promise<void> => {
    await signIn(app);
    showOpened(app);
  };
  const other = t(app.config.sandbox ? "lock.other" : "lock.again");
  app.show({
    node: h(
      "section",
      { class: "screen message" },
      h(
        "div",
        { class: "content" },
        h("span", { class: "seal brand" }, icon("locked")),
        heading(t("lock.title", { person: firstName(phone.personName) })),
        h("p", { class: "soft" }, t("lock.help")),
        linkHint(app),
      ),
      h(
        "div",
        { class: "actions stacked" },
        go,
        button("button plain", other, () => showStart(app, closed)),
      ),
    ),
  });
}
