/** One connection: all that is known of it, and all that can be done with it. */

import { Refused } from "../api.ts";
import type { App } from "../app.ts";
import { button, h, heading } from "../dom.ts";
import { t } from "../texts.ts";
import type { Account, Connection, Connections } from "../wire.ts";
import { showHome } from "./home.ts";
import { showNarrow } from "./narrow.ts";
import { accountLine, askedFor, badge, busy, fact, mark, waiting } from "./parts.ts";
import { attempt, showProblem } from "./problem.ts";
import { showRenewal } from "./renew.ts";

export function isLive(connection: Connection): boolean {
  return connection.ended_at === null && Date.parse(connection.valid_until) > Date.now();
}

export function usedText(app: App, { last_used_at: used }: Connection): string {
  return used === null ? t("list.used.never") : app.format.recently(used, Date.now());
}

/** When and why a connection ended. */
export function overText(app: App, { client, ended_at: at, ended_by: by, valid_until: until }: Connection): string {
  const date = app.format.date(at ?? until);
  if (at === null || by === null) return t("over.time", { date });
  return t(`over.${by}`, { date, client: client.name, bank: app.config.bank });
}

/** Shows a connection as it was last heard of; `said` is what has just come about. */
export function showConnection(app: App, connection: Connection, said?: string, away = () => showHome(app)): void {
  app.show({
    node: h(
      "section",
      { class: "screen" },
      h(
        "div",
        { class: "content" },
        h("div", { class: "titled" }, mark(connection.client.name), heading(connection.client.name)),
        ...facts(app, connection),
        ...(isLive(connection) ? ways(app, connection) : []),
        download(app, connection),
        button("button plain wide", t("back"), away),
      ),
    ),
    back: away,
  });
  if (said !== undefined) app.announce(said);
}

/** Shows a connection that only its id is known of; one that is no longer kept leads away. */
export function findConnection(app: App, grantId: string, away: () => void): void {
  app.show({ node: waiting(t("list.loading")) });
  void attempt(
    app,
    async () => {
      const { connections } = await app.api.call<Connections>("GET", "/phone/connections", { signedIn: true });
      const found = connections.find((one) => one.grant_id === grantId);
      if (found) showConnection(app, found, undefined, away);
      else away();
    },
    away,
  );
}

function facts(app: App, connection: Connection): HTMLElement[] {
  const { scope, valid_until } = connection;
  const { format } = app;
  const live = isLive(connection);
  const shown = [
    live ? badge(connection.client) : h("p", { class: "note warn" }, overText(app, connection)),
    h(
      "dl",
      { class: "facts card" },
      fact(t("connection.since"), format.date(connection.created_at)),
      fact(t("list.used"), usedText(app, connection)),
      fact(t("list.until"), format.date(valid_until)),
    ),
    h("h2", {}, t("list.accounts")),
    accounts(connection.accounts),
  ];
  if (connection.removed.length > 0) {
    shown.push(h("h2", {}, t("connection.removed")), accounts(connection.removed));
  }
  if (live) {
    const recurring = scope.includes("offline_access");
    shown.push(h("h2", {}, t("choose.asked")), askedFor(app, { ...connection, recurring }));
  }
  return shown;
}

function accounts(some: readonly Account[]): HTMLElement {
  return h("ul", { class: "chosen card" }, ...some.map(accountLine));
}

function ways(app: App, connection: Connection): HTMLElement[] {
  const client = connection.client.name;
  const buttons: HTMLElement[] = [];
  const { renewable_until: until } = connection;
  if (until !== null) {
    const renew = button("button quiet wide", t("connection.renew"), () =>
      void busy(renew, () => showRenewal(app, connection)),
    );
    buttons.push(renew);
  }
  if (connection.can_narrow) {
    buttons.push(button("button quiet wide", t("connection.fewer"), () => showNarrow(app, connection)));
  } else if (connection.accounts.length > 1) {
    buttons.push(h("p", { class: "soft small" }, t("connection.fewer.elsewhere")));
  }
  const end = button("button quiet wide", t("list.end.label", { client }), () => {
    const done = (): void => {
      showHome(app);
      app.announce(t("end.done", { client }));
    };
    void askToEnd(app, end, connection, done);
  });
  return [...buttons, end];
}

function download(app: App, connection: Connection): HTMLElement {
  const save = async (): Promise<void> => {
    const path = `/phone/connections/${encodeURIComponent(connection.grant_id)}/evidence`;
    const text = await app.api.call<string>("GET", path, { signedIn: true, asText: true });
    keepFile(fileName(connection), text);
    app.announce(t("connection.saved"));
  };
  const element = button("button plain wide", t("connection.download"), () =>
    void busy(element, () => attempt(app, save, () => showConnection(app, connection))),
  );
  return element;
}

function fileName({ client, created_at }: Connection): string {
  const name = client.name.toLowerCase().replaceAll(/[^\p{L}\p{N}]+/gu, "-");
  return `${name}-${created_at.slice(0, 10)}.json`;
}

function keepFile(name: string, text: string): void {
  const address = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  const link = h("a");
  link.href = address;
  link.download = name;
  link.click();
  // The browser reads it after this turn.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

/** Asks whether to end a connection; `done` comes when it is over. */
export async function askToEnd(
  app: App,
  pressed: HTMLElement,
  connection: Connection,
  done: () => void | Promise<void>,
): Promise<void> {
  const client = connection.client.name;
  const sure = await app.ask({
    title: t("end.title", { client }),
    text: t("end.text", { client }),
    yes: t("end.go"),
    no: t("end.keep"),
  });
  if (!sure) return;
  await busy(pressed, async () => {
    try {
      const path = `/phone/connections/${encodeURIComponent(connection.grant_id)}`;
      await app.api.call("DELETE", path, { signedIn: true });
    } catch (error) {
      // Ended elsewhere meanwhile: what the person wanted has come about.
      if (!(error instanceof Refused && error.code === "not_found")) {
        return showProblem(app, error, undefined, () => showHome(app));
      }
    }
    await done();
  });
}
