/** This browser is nobody's phone yet. */

import type { App } from "../app.ts";
import { button, h, heading } from "../dom.ts";
import { icon } from "../icons.ts";
import { t } from "../texts.ts";
import { linkHint } from "./link.ts";
import { showPeople } from "./people.ts";
import { showScanner } from "./scan.ts";

/** `away` leads back to where there already is a phone. */
export function showStart(app: App, away?: () => void): void {
  if (app.config.sandbox) return showPeople(app, away);
  const { bank } = app.config;
  const again = (): void => showStart(app, away);
  const scan = button("button", t("start.scan"), () =>
    showScanner(app, { source: "camera", purpose: "enrolment", away: again }),
  );
  scan.prepend(icon("scan"));
  app.show({
    node: h(
      "section",
      { class: "screen message" },
      h(
        "div",
        { class: "content" },
        h("span", { class: "seal brand" }, icon("key")),
        heading(t("start.title")),
        h("p", { class: "soft" }, t("start.help", { bank })),
        linkHint(app),
      ),
      h(
        "div",
        { class: "actions stacked" },
        scan,
        away ? button("button plain", t("back"), away) : h("p", { class: "soft small" }, t("start.no-code", { bank })),
      ),
    ),
    ...(away ? { back: away } : {}),
  });
}
