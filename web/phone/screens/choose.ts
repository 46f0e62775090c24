/** What is asked, and for which accounts. */

import type { App } from "../app.ts";
import { accountsNeeded, areDetails, paymentOf, type Detail } from "../details.ts";
import { button, h, heading, pair } from "../dom.ts";
import type { Journey } from "../journey.ts";
import { t } from "../texts.ts";
import type { AccountWithBalance, Changed, Matched } from "../wire.ts";
import { changeNote, gives, gone } from "./change.ts";
import { holdBack, warning } from "./hint.ts";
import { askedFor, busy, mark, shortIban } from "./parts.ts";
import { notMine, stopHere } from "./stage.ts";

export function showChoose(app: App, journey: Journey, matched: Matched): void {
  const { client } = journey.claimed;
  const details = matched.authorization_details;
  // What this app cannot show whole is not put to anybody.
  if (!areDetails(details)) return journey.strange();
  const payment = paymentOf(details);
  const changes = matched.changes ?? undefined;
  const merges = changes?.how === "merge";
  const needed = merges ? { least: 0, most: Infinity } : accountsNeeded(details);
  const boxes = matched.accounts.map((account) =>
    box(account, payment !== undefined, merges && gives(changes, account) === true),
  );
  const count = h("p", { class: "soft small", "aria-live": "polite" });
  const fault = h("p", { class: "note warn", role: "alert" });
  const ticked = (): HTMLInputElement[] => boxes.filter((one) => one.checked);
  // What a merge keeps is ticked for good, and nothing that the person chooses.
  const chosen = (): string[] => ticked().flatMap((one) => (one.disabled ? [] : [one.value]));
  const update = (): void => {
    count.textContent = t("choose.count", { count: ticked().length, total: boxes.length });
    if (fits(chosen().length, needed)) fault.textContent = "";
  };
  const refuse = button("button even no", t("refuse"), () => void busy(refuse, () => journey.refuse()));
  const approve = button("button even", t("choose.approve"), () => {
    if (journey.secondsToWait() > 0) return;
    if (fits(chosen().length, needed)) return void busy(approve, () => journey.approve(chosen()));
    fault.textContent = boxes.length > 0 ? howMany(client.name, details) : t("payment.none-fits");
    boxes[0]?.focus();
  });
  const rows = matched.accounts.map((account, place) => row(app, account, boxes[place]!, changes));
  const accounts = h(
    "fieldset",
    { class: "accounts" },
    h("legend", {}, h("h2", {}, t(payment ? "payment.from" : "choose.accounts"))),
    payment || (needed.least === 1 && needed.most === Infinity)
      ? undefined
      : h("p", { class: "soft small" }, howMany(client.name, details)),
    payment ? undefined : count,
    ...rows,
  );
  accounts.addEventListener("change", update);
  update();
  const stopCounting = holdBack(app, journey, approve);
  app.show({
    node: h(
      "section",
      { class: "screen sheet" },
      h(
        "div",
        { class: "content" },
        h("div", { class: "titled" }, mark(client.name), heading(t(payment ? "payment.title" : "choose.title", { client: client.name }))),
        warning(app, journey.claimed),
        changeNote(app, client, changes),
        h("h2", { class: "visually-hidden" }, t(payment ? "payment.what" : "choose.asked")),
        askedFor(app, matched, changes?.scope),
        ...gone(changes, matched.scope),
        accounts,
      ),
      h("div", { class: "actions stacked" }, fault, pair(refuse, approve), notMine(app, journey)),
    ),
    left: stopCounting,
    back: () => void stopHere(app, journey),
  });
}

function fits(count: number, { least, most }: { readonly least: number; readonly most: number }): boolean {
  return count >= least && count <= most;
}

/** How many accounts the app needs, in words. */
function howMany(client: string, details: readonly Detail[]): string {
  if (paymentOf(details)) return t("payment.choose");
  const { least, most } = accountsNeeded(details);
  if (most === Infinity) return least === 1 ? t("choose.none") : t("choose.least", { client, count: least });
  if (least === most) return t("choose.exactly", { client, count: least });
  return least === 1 ? t("choose.most", { client, count: most }) : t("choose.between", { client, least, most });
}

// Nothing is chosen beforehand, not even where there is one account only.
function box(account: AccountWithBalance, one: boolean, stays: boolean): HTMLInputElement {
  const input = h("input", { type: one ? "radio" : "checkbox", name: "account", value: account.resourceId });
  input.checked = input.disabled = stays;
  return input;
}

function row(
  app: App,
  account: AccountWithBalance,
  input: HTMLInputElement,
  changes: Changed | undefined,
): HTMLElement {
  const { amount, currency } = account.balance;
  return h(
    "label",
    { class: "account" },
    input,
    h(
      "span",
      { class: "account-text" },
      h("span", { class: "account-name" }, account.name),
      " ",
      shortIban(account),
      gives(changes, account) ? h("span", { class: "soft small" }, " ", t("change.now")) : undefined,
    ),
    " ",
    h("span", { class: "amount" }, app.format.money(amount, currency)),
  );
}
