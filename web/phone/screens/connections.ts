/** The list of connections: who looks at which accounts, until when; and those that are over. */

import { Refused } from "../api.ts";
import type { App } from "../app.ts";
import { button, h, pair } from "../dom.ts";
import { t } from "../texts.ts";
import type { Connection, Connections, Notices } from "../wire.ts";
import { askToEnd, isLive, overText, showConnection, usedText } from "./connection.ts";
import { showHome } from "./home.ts";
import { busy, fact, mark, shortIban } from "./parts.ts";
import { showProblem } from "./problem.ts";

const NAMED_AT_MOST = 3;

export class ConnectionList {
  readonly node: HTMLElement;
  readonly #app: App;
  readonly #body: HTMLElement;
  readonly #unread: (count: number) => void;
  #shown = "";

  /** `unread` hears how many notices this phone has not shown. */
  constructor(app: App, unread: (count: number) => void) {
    this.#app = app;
    this.#unread = unread;
    this.#body = h("div", { class: "list" }, h("p", { class: "soft late" }, t("list.loading")));
    const title = h("h2", { id: "list-title", tabindex: "-1" }, t("list.title"));
    this.node = h("section", { class: "connections", "aria-labelledby": "list-title" }, title, this.#body);
  }

  /** Gets the list. In the background it asks the person nothing and hides what fails. */
  async load({ background = false }: { readonly background?: boolean }): Promise<void> {
    try {
      const path = "/phone/connections";
      const { connections } = await this.#app.api.call<Connections>("GET", path, { signedIn: true, background });
      this.#show(connections, await this.#news());
    } catch (error) {
      if (background || !this.node.isConnected) return;
      if (error instanceof Refused && error.code === "sign_in_required") {
        return showProblem(this.#app, error, undefined, () => showHome(this.#app));
      }
      this.#showFailed();
    }
  }

  /** The connections that the person has not been told of yet. The list is worth showing without. */
  async #news(): Promise<ReadonlySet<string>> {
    try {
      const options = { signedIn: true, background: true };
      const { notices } = await this.#app.api.call<Notices>("GET", "/phone/notices", options);
      const unread = notices.filter((one) => one.unread);
      this.#unread(unread.length);
      return new Set(unread.filter((one) => one.kind === "connection_made").map((one) => one.grant_id ?? ""));
    } catch {
      return new Set();
    }
  }

  #show(connections: readonly Connection[], news: ReadonlySet<string>): void {
    const state = JSON.stringify([connections, [...news]]);
    if (state === this.#shown) return;
    this.#shown = state;
    const live = connections.filter(isLive);
    const over = connections.filter((one) => !isLive(one));
    const list =
      live.length === 0
        ? empty()
        : h("ul", { class: "cards" }, ...live.map((one) => this.#card(one, news.has(one.grant_id))));
    this.#body.replaceChildren(list, ...(over.length === 0 ? [] : [this.#history(over)]));
  }

  #showFailed(): void {
    const again = button("button quiet", t("try again"), () => void busy(again, () => this.load({})));
    this.#body.replaceChildren(h("p", { class: "soft" }, t("list.failed")), again);
  }

  #card(connection: Connection, isNew: boolean): HTMLElement {
    const app = this.#app;
    const { client } = connection;
    const end = button("button quiet small-button", t("list.end"), () =>
      void askToEnd(app, end, connection, () => this.#ended(client.name)),
    );
    end.setAttribute("aria-label", t("list.end.label", { client: client.name }));
    const more = button("button quiet small-button", t("list.more"), () => showConnection(app, connection));
    more.setAttribute("aria-label", t("list.more.label", { client: client.name }));
    const news = h("span", { class: "chip" }, t("list.new"));
    return h(
      "li",
      { class: "card connection" },
      h(
        "div",
        { class: "client" },
        mark(client.name),
        h("h3", { class: "client-name grow" }, client.name),
        isNew ? news : undefined,
      ),
      h(
        "dl",
        { class: "facts" },
        fact(t("list.accounts"), ...accountsInShort(connection)),
        fact(t("list.used"), usedText(app, connection)),
        fact(t("list.until"), app.format.date(connection.valid_until)),
      ),
      pair(more, end),
    );
  }

  #history(over: readonly Connection[]): HTMLElement {
    const rows = over.map((one) => {
      const row = button("card pick", mark(one.client.name), () => showConnection(this.#app, one));
      const text = h("span", { class: "card-text" }, h("span", { class: "card-title" }, one.client.name), " ");
      text.append(h("span", { class: "soft small" }, overText(this.#app, one)));
      row.append(text);
      return h("li", {}, row);
    });
    const title = h("summary", {}, t("list.over", { count: over.length }));
    return h("details", { class: "history" }, title, h("ul", { class: "cards" }, ...rows));
  }

  async #ended(client: string): Promise<void> {
    await this.load({});
    this.#app.announce(t("end.done", { client }));
    this.node.querySelector("h2")?.focus();
  }
}

/** A few by name; many as a number, so that what can be done stays in sight. */
function accountsInShort({ accounts }: Connection): (Node | string)[] {
  if (accounts.length > NAMED_AT_MOST) return [t("people.accounts", { count: accounts.length })];
  return accounts.map((one) => h("span", { class: "account-short" }, one.name, " ", shortIban(one)));
}

function empty(): HTMLElement {
  return h("div", { class: "empty" }, h("p", {}, t("list.none")), h("p", { class: "soft small" }, t("list.none.help")));
}
