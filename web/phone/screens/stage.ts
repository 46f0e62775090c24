/** Which screen comes next in a journey. */

import { Refused } from "../api.ts";
import type { App } from "../app.ts";
import type { Journey, Stage } from "../journey.ts";
import { t } from "../texts.ts";
import type { Claimed } from "../wire.ts";
import { showChoose } from "./choose.ts";
import { showConfirm } from "./confirm.ts";
import { showDone } from "./done.ts";
import { showHome } from "./home.ts";
import { showMessage, showProblem } from "./problem.ts";

/** `journey` is asked for late: it holds the stage that is made here. */
export function stageOf(app: App, claimed: Claimed, journey: () => Journey): Stage {
  const client = claimed.client.name;
  const home = (): void => {
    journey().leave();
    showHome(app);
  };
  const homeOnly = [{ label: t("home"), go: home }];
  return {
    choose: (matched) => showChoose(app, journey(), matched),
    confirm: (consent) => showConfirm(app, journey(), consent),
    notConfirmed: (consent, error) => showConfirm(app, journey(), consent, error),
    done: (consent) => showDone(app, journey(), consent),
    refused: () =>
      showMessage(app, {
        title: t("refused.title"),
        text: t("refused.text", { client }),
        icon: "close",
        ways: homeOnly,
      }),
    ended: (state, approved) => {
      const why = approved ? "unfinished" : state;
      const icon = why === "killed" ? "warning" : "once";
      showMessage(app, {
        title: t(`ended.${why}.title`),
        text: t(`ended.${why}.text`, { client }),
        icon,
        tone: "warn",
        ways: homeOnly,
      });
    },
    failed: (error, again) => {
      if (error instanceof Refused && error.code === "sign_in_required") journey().leave();
      showProblem(app, error, again, home);
    },
  };
}

/** "Back" in the middle of a request: go on with it, or refuse it. */
export async function stopHere(app: App, journey: Journey): Promise<void> {
  const client = journey.claimed.client.name;
  const stop = await app.ask({
    title: t("stop.title"),
    text: t("stop.text", { client }),
    yes: t("refuse"),
    no: t("stop.keep"),
  });
  if (stop) await journey.refuse();
}
