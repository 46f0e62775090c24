/** Who asks, and where it began: the question that stops a code from a stranger. */

import type { App } from "../app.ts";
import { button, h, heading, pair } from "../dom.ts";
import { deviceName } from "../format.ts";
import { icon } from "../icons.ts";
import { Journey } from "../journey.ts";
import { t } from "../texts.ts";
import type { Claimed } from "../wire.ts";
import { clientCard, busy } from "./parts.ts";
import { stageOf, stopHere } from "./stage.ts";

const REFRESH_MS = 10_000;

export function showAsk(app: App, claimed: Claimed): void {
  const journey: Journey = new Journey(
    app,
    claimed,
    stageOf(app, claimed, () => journey),
  );
  const client = claimed.client.name;
  const started = (): string => t("ask.started", { when: app.format.ago(journey.secondsAgo()) });
  const when = h("span", { class: "soft small block" }, started());
  const number = h("input", {
    class: "number",
    inputmode: "numeric",
    autocomplete: "off",
    maxlength: "2",
    pattern: "[0-9]{2}",
    "aria-label": t("ask.number"),
  });
  const said = (): number | undefined => (claimed.asks_number ? Number(number.value) : undefined);
  const refuse = button("button even no", t("refuse"), () => void busy(refuse, () => journey.refuse()));
  const go = button("button even", t("ask.go"), () => void busy(go, () => journey.match(said())));
  const timer = setInterval(() => (when.textContent = started()), REFRESH_MS);
  app.show({
    node: h(
      "section",
      { class: "screen sheet" },
      h(
        "div",
        { class: "content" },
        heading(t("ask.title", { client })),
        clientCard(claimed.client),
        h("div", { class: "origin" }, icon("screen"), h("p", {}, when, h("strong", {}, deviceName(claimed.started.browser)))),
        h("h2", { class: "question-line" }, t("ask.question")),
        claimed.asks_number ? h("label", { class: "number-line" }, t("ask.number"), number) : "",
        h("p", { class: "soft" }, t("ask.warning")),
      ),
      h("div", { class: "actions" }, pair(refuse, go)),
    ),
    left: () => clearInterval(timer),
    back: () => void stopHere(app, journey),
  });
}
