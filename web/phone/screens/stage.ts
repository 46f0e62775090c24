/** Which screen comes next in a journey. */

import { Refused } from "../api.ts";
import type { App } from "../app.ts";
import { button } from "../dom.ts";
import type { Journey, Stage } from "../journey.ts";
import { t } from "../texts.ts";
import type { Claimed } from "../wire.ts";
import { showAsk } from "./ask.ts";
import { showChoose } from "./choose.ts";
import { showConfirm } from "./confirm.ts";
import { showDone } from "./done.ts";
import { showHome } from "./home.ts";
import { busy } from "./parts.ts";
import { showMessage, showProblem } from "./problem.ts";

/** `journey` is asked for late: it holds the stage that is made here. */
export function stageOf(app: App, claimed: Claimed, journey: () => Journey): Stage {
  const values = { client: claimed.client.name, bank: app.config.bank };
  const home = (): void => {
    journey().leave();
    showHome(app);
  };
  const homeOnly = [{ label: t("home"), go: home }];
  return {
    ask: () => showAsk(app, journey()),
    choose: (matched) => showChoose(app, journey(), matched),
    confirm: (consent) => showConfirm(app, journey(), consent),
    notConfirmed: (consent, error) => showConfirm(app, journey(), consent, error ?? "too early"),
    done: (consent, back) => showDone(app, journey(), consent, back),
    refused: () => {
      const text = t(claimed.asks_payment ? "payment.refused" : refusedText(claimed.way), values);
      showMessage(app, { title: t("refused.title"), text, icon: "close", ways: homeOnly });
    },
    disowned: () => {
      const text = t("disowned.text", values);
      showMessage(app, { title: t("disowned.title", values), text, icon: "checked", ways: homeOnly });
    },
    ended: (state, reason, approved) => {
      const why = approved ? "unfinished" : state === "killed" ? reasonKnown(reason) : state;
      const icon = state === "killed" ? "warning" : "once";
      showMessage(app, {
        title: t(`ended.${why}.title`),
        text: t(`ended.${why}.text`, values),
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

const REASONS = ["already_scanned", "superseded", "wrong_number", "phone_revoked", "disowned", "risk"] as const;

function reasonKnown(reason: string | undefined): (typeof REASONS)[number] | "killed" {
  return REASONS.find((one) => one === reason) ?? "killed";
}

function refusedText(way: Claimed["way"]): "refused.text" | "refused.text.link" | "asked.refused" {
  if (way === "asked") return "asked.refused";
  return way === "link" ? "refused.text.link" : "refused.text";
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

/** "I did not start this", on every screen on which the person may still decide. */
export function notMine(app: App, journey: Journey): HTMLElement {
  const not = button("button plain wide", t("disown"), () => void busy(not, () => askToDisown(app, journey)));
  return not;
}

// Says what it does before it is done.
async function askToDisown(app: App, journey: Journey): Promise<void> {
  const sure = await app.ask({
    title: t("disown.title"),
    text: t("disown.text", { bank: app.config.bank }),
    yes: t("disown.go"),
    no: t("back"),
  });
  if (sure) await journey.disown();
}
