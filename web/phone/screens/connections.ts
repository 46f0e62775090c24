/** The list of connections: who looks at which accounts, until when, and how to end it. */

import { Refused } from "../api.ts";
import type { App } from "../app.ts";
import { button, h } from "../dom.ts";
import { t } from "../texts.ts";
import type { Connection, Connections } from "../wire.ts";
import { busy, mark, shortIban } from "./parts.ts";
import { showProblem } from "./problem.ts";
import { showHome } from "./home.ts";

export class ConnectionList {
  readonly node: HTMLElement;
  readonly #app: App;
  readonly #body: HTMLElement;
  #shown = "";
  #ids: Set<string> | undefined;

  constructor(app: App) {
    this.#app = app;
    this.#body = h("div", { class: "list" }, h("p", { class: "soft late" }, t("list.loading")));
    const title = h("h2", { id: "list-title", tabindex: "-1" }, t("list.title"));
    this.node = h("section", { class: "connections", "aria-labelledby": "list-title" }, title, this.#body);
  }

  /** Gets the list. In the background it asks the person nothing and hides what fails. */
  async load({ background = false }: { readonly background?: boolean }): Promise<void> {
    try {
      const path = "/phone/connections";
      const { connections } = await this.#app.api.call<Connections>("GET", path, { signedIn: true, background });
      this.#show(connections.filter((one) => one.ended_at === null && Date.parse(one.valid_until) > Date.now()));
    } catch (error) {
      if (background || !this.node.isConnected) return;
      if (error instanceof Refused && error.code === "sign_in_required") {
        return showProblem(this.#app, error, undefined, () => showHome(this.#app));
      }
      this.#showFailed();
    }
  }

  /** From here on only what comes later counts as new. */
  markSeen(): void {
    this.#app.seen = this.#ids;
  }

  #show(connections: readonly Connection[]): void {
    const { seen } = this.#app;
    const news = new Set(connections.map((one) => one.grant_id).filter((id) => seen && !seen.has(id)));
    this.#ids = new Set(connections.map((one) => one.grant_id));
    const state = JSON.stringify(connections);
    if (state === this.#shown) return;
    this.#shown = state;
    if (connections.length === 0) this.#body.replaceChildren(empty());
    else
      this.#body.replaceChildren(
        h("ul", { class: "cards" }, ...connections.map((one) => this.#card(one, news.has(one.grant_id)))),
      );
  }

  #showFailed(): void {
    const again = button("button quiet", t("try again"), () => void busy(again, () => this.load({})));
    this.#body.replaceChildren(h("p", { class: "soft" }, t("list.failed")), again);
  }

  #card(connection: Connection, isNew: boolean): HTMLElement {
    const { client } = connection;
    const { format } = this.#app;
    const end = button("button quiet small-button", t("list.end"), () => void this.#askToEnd(end, connection));
    end.setAttribute("aria-label", t("list.end.label", { client: client.name }));
    const used =
      connection.last_used_at === null ? t("list.used.never") : format.recently(connection.last_used_at, Date.now());
    const accounts = connection.accounts.map((one) =>
      h("span", { class: "account-short" }, one.name, " ", shortIban(one)),
    );
    const news = h("span", { class: "chip" }, t("list.new"));
    return h(
      "li",
      { class: "card connection" },
      h(
        "div",
        { class: "client" },
        mark(client.name),
        h("div", { class: "grow" }, h("h3", { class: "client-name" }, client.name), isNew ? news : undefined),
        end,
      ),
      h(
        "dl",
        { class: "facts" },
        fact(t("list.accounts"), ...accounts),
        fact(t("list.used"), used),
        fact(t("list.until"), format.date(connection.valid_until)),
      ),
    );
  }

  async #askToEnd(pressed: HTMLElement, connection: Connection): Promise<void> {
    const client = connection.client.name;
    const sure = await this.#app.ask({
      title: t("end.title", { client }),
      text: t("end.text", { client }),
      yes: t("end.go"),
      no: t("end.keep"),
    });
    if (sure) await busy(pressed, () => this.#end(connection));
  }

  async #end(connection: Connection): Promise<void> {
    const app = this.#app;
    const client = connection.client.name;
    try {
      await app.api.call("DELETE", `/phone/connections/${encodeURIComponent(connection.grant_id)}`, { signedIn: true });
    } catch (error) {
      // Ended elsewhere meanwhile: what the person wanted has come about.
      if (!(error instanceof Refused && error.code === "not_found")) {
        return showProblem(app, error, undefined, () => showHome(app));
      }
    }
    await this.load({});
    app.announce(t("end.done", { client }));
    this.node.querySelector("h2")?.focus();
  }
}

function empty(): HTMLElement {
  return h("div", { class: "empty" }, h("p", {}, t("list.none")), h("p", { class: "soft small" }, t("list.none.help")));
}

function fact(name: string, ...values: (Node | string)[]): HTMLElement {
  return h("div", {}, h("dt", {}, name), h("dd", {}, ...values));
}
