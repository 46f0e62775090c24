/** Where a request began, and how safe the bank thinks that it is. */

import type { App } from "../app.ts";
import { h } from "../dom.ts";
import { deviceName } from "../format.ts";
import { icon } from "../icons.ts";
import type { Journey } from "../journey.ts";
import { isText, t } from "../texts.ts";
import type { Claimed } from "../wire.ts";

// They warn of nothing by themselves: in a warning they would only hide what does.
const CALM: readonly string[] = ["new_browser", "same_network", "place_unknown"];
const REFRESH_MS = 10_000;

/** "20 s ago, Chrome on Windows, near Utrecht", with what is no warning in small letters below. */
export function origin(app: App, journey: Journey): { readonly node: HTMLElement; readonly left: () => void } {
  const { claimed } = journey;
  const { level, reasons, place } = claimed.hint;
  const asked = claimed.way === "asked";
  const started = (): string =>
    t(asked ? "asked.started" : "ask.started", { when: app.format.ago(journey.secondsAgo()) });
  const when = h("span", { class: "soft small block" }, started());
  const timer = setInterval(() => (when.textContent = started()), REFRESH_MS);
  const told = level === "amber" ? reasons.filter((reason) => CALM.includes(reason)) : reasons;
  const device = asked ? claimed.client.name : deviceName(claimed.started.browser);
  const text = h("p", {}, when, h("strong", {}, place === null ? device : t("ask.where", { device, place })));
  if (told.length > 0) text.append(h("span", { class: "soft small block" }, sentences(app, claimed, told).join(" ")));
  return { node: h("div", { class: "origin" }, icon("screen"), text), left: () => clearInterval(timer) };
}

/** The warning under an amber hint; without one, nothing. */
export function warning(app: App, claimed: Claimed): HTMLElement | undefined {
  const { level, reasons } = claimed.hint;
  if (level !== "amber") return undefined;
  const graver = reasons.filter((reason) => !CALM.includes(reason));
  return h(
    "div",
    { class: "note warn hint", role: "note" },
    icon("warning"),
    h(
      "div",
      {},
      h("h2", {}, t("hint.title")),
      h("ul", {}, ...sentences(app, claimed, graver).map((sentence) => h("li", {}, sentence))),
    ),
  );
}

/** While a warning must be read, the button is off and counts; gives what ends the counting. */
export function holdBack(app: App, journey: Journey, approve: HTMLButtonElement): () => void {
  if (journey.secondsToWait() === 0) return () => undefined;
  const label = approve.textContent;
  const tick = (): void => {
    const seconds = journey.secondsToWait();
    approve.textContent = seconds > 0 ? t("hint.wait", { seconds }) : label;
    if (seconds > 0) return approve.setAttribute("aria-disabled", "true");
    approve.removeAttribute("aria-disabled");
    clearInterval(timer);
    app.announce(t("hint.ready"));
  };
  const timer = setInterval(tick, 250);
  tick();
  return () => clearInterval(timer);
}

// A bank's own check may name a reason that this app is too old to know.
function sentences(app: App, claimed: Claimed, reasons: readonly string[]): string[] {
  const values = { bank: app.config.bank, client: claimed.client.name };
  return reasons.map((reason) => {
    const key = `risk.${reason}`;
    return t(isText(key) ? key : "risk.own_check", values);
  });
}
