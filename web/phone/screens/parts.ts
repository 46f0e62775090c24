/** Pieces that several screens share. */

import type { App } from "../app.ts";
import { h } from "../dom.ts";
import { informationOf, paymentOf, type Detail, type Payment } from "../details.ts";
import { inFours, initial, lastFour } from "../format.ts";
import { icon, type IconName } from "../icons.ts";
import { t, type TextKey, type Values } from "../texts.ts";
import type { Account, Client } from "../wire.ts";

/** Who asks: a mark, the name, the legal name, and whether the bank checked it. */
export function clientCard(client: Client): HTMLElement {
  return h(
    "div",
    { class: "client" },
    mark(client.name),
    h("div", {}, h("p", { class: "client-name" }, client.name), badge(client)),
  );
}

/** The legal name, and whether the bank checked it. */
export function badge(client: Client): HTMLElement {
  const name = client.legal_name || client.name;
  return client.verified
    ? h("p", { class: "badge good" }, icon("checked"), t("ask.verified", { name }))
    : h("p", { class: "badge warn" }, icon("unchecked"), t("ask.unverified", { name }));
}

export function mark(name: string): HTMLElement {
  return h("span", { class: "mark", "aria-hidden": "true" }, initial(name));
}

/** The short form of an account number: two dots and the last four digits. */
export function shortIban(account: Account): HTMLElement {
  const digits = lastFour(account.iban);
  return h(
    "span",
    { class: "iban" },
    h("span", { "aria-hidden": "true" }, `•• ${digits}`),
    h("span", { class: "visually-hidden" }, t("choose.ending", { digits })),
  );
}

export function accountLine(account: Account): HTMLElement {
  return h("li", {}, h("span", { class: "account-name" }, account.name), " ", shortIban(account));
}

export function fact(name: string, ...values: (Node | string)[]): HTMLElement {
  return h("div", {}, h("dt", {}, name), h("dd", {}, ...values));
}

/** What an app may do, a line each, with what it can never do as the last; new is what was not `had`. */
export function askedFor(
  app: App,
  asked: {
    readonly scope: readonly string[];
    readonly recurring: boolean;
    readonly valid_until: string;
    readonly authorization_details: readonly Detail[];
  },
  had?: readonly string[],
): HTMLElement {
  const payment = paymentOf(asked.authorization_details);
  if (payment) return orderOf(app, payment);
  const lines = may(asked.scope, had, app, asked.authorization_details);
  const date = app.format.date(asked.valid_until);
  lines.push(asked.recurring ? line("later", t("scope.later", { date })) : line("once", t("scope.once")));
  lines.push(line("locked", t("scope.no-payments"), "quiet"));
  return h("ul", { class: "asked" }, ...lines);
}

const WORDS = {
  accounts: "accounts",
  balances: "balances",
  transactions: "transactions",
  profile: "person",
  openid: "key",
} as const;

/** A line for each word of a scope that lets an app see something; new is what was not `had`. */
export function may(
  scope: readonly string[],
  had?: readonly string[],
  app?: App,
  details: readonly Detail[] = [],
): HTMLElement[] {
  const words = Object.keys(WORDS) as (keyof typeof WORDS)[];
  const said = words.filter((word) => scope.includes(word));
  return said.map((word) => {
    const element = line(WORDS[word], app && word === "transactions" ? t(days(details), daysOf(app, details)) : t(`scope.${word}`));
    if (had && !had.includes(word)) element.append(" ", h("span", { class: "chip" }, t("list.new")));
    return element;
  });
}

function days(details: readonly Detail[]): TextKey {
  const { dateFrom, dateTo } = informationOf(details) ?? {};
  if (dateFrom !== undefined && dateTo !== undefined) return "scope.transactions.between";
  if (dateFrom !== undefined) return "scope.transactions.from";
  return dateTo === undefined ? "scope.transactions" : "scope.transactions.until";
}

function daysOf(app: App, details: readonly Detail[]): Values {
  const { dateFrom, dateTo } = informationOf(details) ?? {};
  const written = (day: string | undefined): string => (day === undefined ? "" : app.format.date(`${day}T12:00:00`));
  return { from: written(dateFrom), until: written(dateTo) };
}

/** A payment, exactly as the passkey signs it. */
function orderOf(app: App, payment: Payment): HTMLElement {
  const { amount, currency } = payment.instructedAmount;
  const text = payment.remittanceInformationUnstructured;
  return h(
    "div",
    { class: "payment" },
    h("p", { class: "payment-amount" }, app.format.money(amount, currency)),
    h(
      "dl",
      { class: "facts card" },
      fact(t("payment.to"), h("span", { class: "strong" }, payment.creditorName)),
      fact(t("payment.account"), h("span", { class: "whole-iban" }, inFours(payment.creditorAccount.iban))),
      fact(t("payment.text"), text ?? t("payment.no-text")),
    ),
    h("ul", { class: "asked" }, line("once", t("payment.once"))),
  );
}

function line(name: IconName, text: string, kind?: string): HTMLElement {
  return h("li", { class: kind }, icon(name), text);
}

/** A screen that waits for an answer; the words come only where the answer takes its time. */
export function waiting(text: string): HTMLElement {
  return h(
    "section",
    { class: "screen message waiting" },
    h(
      "div",
      { class: "content" },
      h("span", { class: "spinner", "aria-hidden": "true" }),
      h("h1", { tabindex: "-1" }, text),
    ),
  );
}

/** While `work` runs the button shows it, and further taps do nothing. */
export async function busy<Result>(button: HTMLElement, work: () => Promise<Result>): Promise<Result | undefined> {
  if (button.getAttribute("aria-busy") === "true") return undefined;
  button.setAttribute("aria-busy", "true");
  try {
    return await work();
  } finally {
    button.removeAttribute("aria-busy");
  }
}
