/** A request that began in this very browser, and was handed over by link. */

import { Refused } from "../api.ts";
import type { App } from "../app.ts";
import { h } from "../dom.ts";
import { t } from "../texts.ts";
import type { Claimed } from "../wire.ts";
import { openJourney } from "./ask.ts";
import { showHome } from "./home.ts";
import { waiting } from "./parts.ts";
import { showMessage, showProblem } from "./problem.ts";

/** Takes the link that the app was opened with. It works once. */
export function openLink(app: App): void {
  const code = app.link;
  app.link = undefined;
  if (code !== undefined) void claim(app, code);
}

/** What goes on once somebody is signed in, where the app was opened by link. */
export function linkHint(app: App): HTMLElement | undefined {
  return app.link === undefined ? undefined : h("p", { class: "note calm" }, t("link.hint"));
}

async function claim(app: App, code: string): Promise<void> {
  const home = (): void => showHome(app);
  app.show({ node: waiting(t("link.working")) });
  try {
    openJourney(app, await app.api.call<Claimed>("POST", "/phone/claim", { body: { code }, signedIn: true }));
  } catch (error) {
    if (!(error instanceof Refused && error.code === "code_not_accepted")) {
      return showProblem(app, error, () => void claim(app, code), home);
    }
    const ways = [{ label: t("home"), go: home }];
    showMessage(app, { title: t("link.stale.title"), text: t("link.stale.text"), icon: "once", ways });
  }
}
