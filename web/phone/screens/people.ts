/** The sandbox: whoever tries this out picks an invented person to be. */

import { Refused } from "../api.ts";
import type { App } from "../app.ts";
import { button, h, heading } from "../dom.ts";
import { icon, type IconName } from "../icons.ts";
import { PasskeyNotUsed } from "../passkey.ts";
import { explain } from "../problems.ts";
import { abandonEnrolment, beginEnrolment, finishEnrolment, sandboxCode, signIn } from "../session.ts";
import type { Phone } from "../store.ts";
import { t } from "../texts.ts";
import type { People } from "../wire.ts";
import { linkHint } from "./link.ts";
import { mark, waiting } from "./parts.ts";
import { showOpened } from "./pending.ts";
import { attempt, showMessage, showProblem } from "./problem.ts";

type Someone = People["people"][number];

export function showPeople(app: App, away?: () => void): void {
  const again = (): void => showPeople(app, away);
  void attempt(app, () => load(app, away), away ?? again);
}

async function load(app: App, away: (() => void) | undefined): Promise<void> {
  const { people } = await app.api.plain<People>("GET", "/phone/sandbox/people");
  const press = (someone: Someone | null) => (): void => pick(app, someone, () => showPeople(app, away));
  const cards = people.map((someone) => card(mark(someone.name), someone.name, accounts(someone), press(someone)));
  cards.push(card(seal("plus"), t("people.new"), t("people.new.help"), press(null)));
  app.show({
    node: h(
      "section",
      { class: "screen" },
      h(
        "div",
        { class: "content" },
        h("header", { class: "intro" }, heading(t("people.title")), h("p", { class: "soft" }, t("people.help"))),
        linkHint(app),
        h("ul", { class: "cards" }, ...cards.map((one) => h("li", {}, one))),
        away ? button("button plain wide", t("back"), away) : undefined,
      ),
    ),
    ...(away ? { back: away } : {}),
  });
}

function accounts(someone: Someone): string {
  return t("people.accounts", { count: someone.accounts });
}

function seal(name: IconName): HTMLElement {
  return h("span", { class: "mark new", "aria-hidden": "true" }, icon(name));
}

function card(picture: HTMLElement, title: string, text: string, press: () => void): HTMLElement {
  const label = h(
    "span",
    { class: "card-text" },
    h("span", { class: "card-title" }, title),
    " ",
    h("span", { class: "soft small" }, text),
  );
  const element = button("card pick", picture, press);
  element.append(label, icon("next"));
  return element;
}

function pick(app: App, someone: Someone | null, again: () => void, afresh = false): void {
  const text = someone ? t("people.working", { person: someone.name }) : t("people.working.new");
  app.show({ node: waiting(text) });
  const away = (): void => void abandonEnrolment(app).then(again);
  void become(app, someone, afresh).then(
    () => showOpened(app),
    (error: unknown) => {
      const retry = (): void => pick(app, someone, again, afresh);
      if (!(error instanceof PasskeyNotUsed) || afresh) return showProblem(app, error, retry, away);
      // Browsers do not tell a passkey that is gone from a person who closed the window.
      showMessage(app, {
        ...explain(error, app.config),
        ways: [
          { label: t("try again"), go: retry },
          { label: t("lock.again"), go: () => pick(app, someone, again, true) },
          { label: t("back"), go: away },
        ],
      });
    },
  );
}

// Somebody this browser has been before signs in: another passkey for the same person helps nobody.
async function become(app: App, someone: Someone | null, afresh: boolean): Promise<void> {
  const known = someone === null || afresh ? undefined : await app.store.of(someone.id);
  if (known && (await stillSignsIn(app, known))) return;
  await finishEnrolment(app, await beginEnrolment(app, await sandboxCode(app, someone?.id ?? null)));
}

/** False where the server does not know the phone, as after a sandbox that began anew. */
async function stillSignsIn(app: App, known: Phone): Promise<boolean> {
  app.usePhone(known);
  try {
    await signIn(app);
  } catch (error) {
    if (error instanceof Refused && error.code === "phone_not_known") return false;
    throw error;
  }
  await app.store.keep(known);
  return true;
}
