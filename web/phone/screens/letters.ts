/** For who cannot scan: the eight letters that the page shows. */

import { Refused } from "../api.ts";
import type { App } from "../app.ts";
import { button, h, heading } from "../dom.ts";
import { readLetters } from "../letters.ts";
import { t } from "../texts.ts";
import type { Claimed } from "../wire.ts";
import { openJourney } from "./ask.ts";
import { busy } from "./parts.ts";
import { showProblem } from "./problem.ts";

export function showLetters(app: App, away: () => void): void {
  const input = h("input", {
    class: "letters",
    autocomplete: "off",
    autocapitalize: "characters",
    spellcheck: "false",
    "aria-describedby": "letters-fault",
  });
  const fault = h("p", { id: "letters-fault", class: "note warn", role: "alert" });
  const go = button("button", t("ask.go"), () => void busy(go, submit));
  const say = (text: string): void => {
    fault.textContent = text;
    input.focus({ preventScroll: true });
  };
  const submit = async (): Promise<void> => {
    const spelled = readLetters(input.value);
    if (spelled === "unfinished") return say(t("letters.unfinished"));
    if ("strange" in spelled) return say(t("letters.strange", { letters: spelled.strange }));
    fault.textContent = "";
    await claim(app, spelled.code, away, say);
  };
  input.addEventListener("input", () => (fault.textContent = ""));
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter") void busy(go, submit);
  });
  app.show({
    node: h(
      "section",
      { class: "screen" },
      h(
        "div",
        { class: "content" },
        heading(t("letters.title")),
        h("p", { class: "soft" }, t("letters.help")),
        h("label", { class: "letters-line" }, h("span", { class: "small soft" }, t("letters.label")), input),
        fault,
        h("p", { class: "soft" }, t("letters.warning")),
      ),
      h("div", { class: "actions stacked" }, go, button("button plain", t("back"), away)),
    ),
    back: away,
  });
  input.focus({ preventScroll: true });
}

async function claim(app: App, code: string, away: () => void, say: (text: string) => void): Promise<void> {
  try {
    openJourney(app, await app.api.call<Claimed>("POST", "/phone/claim", { body: { code }, signedIn: true }));
  } catch (error) {
    if (error instanceof Refused && error.code === "code_not_accepted") return say(t("letters.wrong"));
    if (error instanceof Refused && error.code === "slow_down") return say(t("letters.slow"));
    showProblem(app, error, () => showLetters(app, away), away);
  }
}
