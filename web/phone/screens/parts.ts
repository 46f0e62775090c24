/** Pieces that several screens share. */

import type { App } from "../app.ts";
import { h } from "../dom.ts";
import { initial, lastFour } from "../format.ts";
import { icon, type IconName } from "../icons.ts";
import { t } from "../texts.ts";
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
  asked: { scope: readonly string[]; recurring: boolean; valid_until: string },
  had?: readonly string[],
): HTMLElement {
  const lines = may(asked.scope, had);
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
export function may(scope: readonly string[], had?: readonly string[]): HTMLElement[] {
  const words = Object.keys(WORDS) as (keyof typeof WORDS)[];
  const said = words.filter((word) => scope.includes(word));
  return said.map((word) => {
    const element = line(WORDS[word], t(`scope.${word}`));
    if (had && !had.includes(word)) element.append(" ", h("span", { class: "chip" }, t("list.new")));
    return element;
  });
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
