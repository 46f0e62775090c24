/** A screen that says what happened and what to do next. */

import { Refused } from "../api.ts";
import type { App } from "../app.ts";
import { button, h, heading } from "../dom.ts";
import { icon, type IconName } from "../icons.ts";
import { explain } from "../problems.ts";
import { t } from "../texts.ts";
import { showLock } from "./lock.ts";
import { showPending } from "./pending.ts";
import { showStart } from "./start.ts";

export interface Way {
  readonly label: string;
  readonly go: () => void;
}

export interface Message {
  readonly title: string;
  readonly text: string;
  readonly icon: IconName;
  readonly tone?: "good" | "warn";
  /** The first is the main action. */
  readonly ways: readonly Way[];
  readonly left?: () => void;
}

export function showMessage(app: App, message: Message): void {
  const ways = message.ways.map(({ label, go }, place) => button(place === 0 ? "button" : "button plain", label, go));
  const node = h(
    "section",
    { class: "screen message" },
    h(
      "div",
      { class: "content" },
      h("span", { class: `seal ${message.tone ?? ""}` }, icon(message.icon)),
      heading(message.title),
      h("p", { class: "soft" }, message.text),
    ),
    h("div", { class: "actions stacked" }, ...ways),
  );
  const back = message.ways.at(-1)?.go;
  app.show({ node, ...(back ? { back } : {}), ...(message.left ? { left: message.left } : {}) });
}

/** Shows what an error means. `again` is offered where trying again may help, `away` always. */
export function showProblem(app: App, error: unknown, again: (() => void) | undefined, away: () => void): void {
  if (error instanceof Refused && error.code === "sign_in_required") return openAgain(app);
  if (error instanceof Refused && error.code === "phone_pending" && app.pending) return showPending(app, app.pending);
  if (error instanceof Refused && error.code === "phone_not_known") {
    const go = (): void => showStart(app);
    return showMessage(app, { ...explain(error, app.config), ways: [{ label: t("start.title"), go }] });
  }
  const ways: Way[] = [];
  if (again && mayHelp(error)) ways.push({ label: t("try again"), go: again });
  ways.push({ label: t("back"), go: away });
  const explained = explain(error, app.config);
  showMessage(app, { ...explained, ...(explained.icon === "warning" ? { tone: "warn" } : {}), ways });
}

function openAgain(app: App): void {
  app.api.signOut();
  if (app.phone) showLock(app, app.phone);
  else showStart(app);
}

function mayHelp(error: unknown): boolean {
  if (!(error instanceof Refused)) return true;
  return error.status >= 500 || ["slow_down", "invalid_proof"].includes(error.code);
}

/** Runs what a tap began; an error is shown with a way to tap again. */
export async function attempt(app: App, action: () => Promise<void>, away: () => void): Promise<void> {
  try {
    await action();
  } catch (error) {
    showProblem(app, error, () => void attempt(app, action, away), away);
  }
}
