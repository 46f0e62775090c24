/** A request that changes a connection of the person: what it gives now, and what becomes of it. */

import type { App } from "../app.ts";
import { h } from "../dom.ts";
import { icon } from "../icons.ts";
import { t } from "../texts.ts";
import type { Account, Changed, Client } from "../wire.ts";
import { accountLine, may } from "./parts.ts";

/** Says that there is a connection, since when, and whether it gets more or is replaced. */
export function changeNote(app: App, client: Client, changes: Changed | undefined): HTMLElement | undefined {
  if (!changes) return undefined;
  const text = t(`change.${changes.how}`, { client: client.name, date: app.format.date(changes.created_at) });
  return h("p", { class: "note" }, icon("accounts"), text);
}

/** What a replacement takes away: words of its scope, and accounts where those are known already. */
export function gone(
  changes: Changed | undefined,
  scope: readonly string[],
  accounts?: readonly Account[],
): readonly HTMLElement[] {
  if (!changes) return [];
  const stays = accounts?.map((account) => account.resourceId);
  const lost = stays ? changes.accounts.filter((account) => !stays.includes(account.resourceId)) : [];
  const lines = may(changes.scope.filter((word) => !scope.includes(word)));
  if (lost.length + lines.length === 0) return [];
  return [
    h("h2", {}, t("change.gone")),
    ...(lost.length > 0 ? [h("ul", { class: "chosen" }, ...lost.map(accountLine))] : []),
    ...(lines.length > 0 ? [h("ul", { class: "asked" }, ...lines)] : []),
  ];
}

/** A mark beside what was not there before. */
export function fresh(had: boolean | undefined): HTMLElement | undefined {
  return had === false ? h("span", { class: "chip" }, t("list.new")) : undefined;
}

/** Whether the connection that is changed gives this account now; undefined where none is changed. */
export function gives(changes: Changed | undefined, account: Account): boolean | undefined {
  return changes?.accounts.some((one) => one.resourceId === account.resourceId);
}
