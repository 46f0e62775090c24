/** Setting up this phone with a code from the bank. */

import type { App } from "../app.ts";
import { button, h, heading } from "../dom.ts";
import { icon } from "../icons.ts";
import { PasskeyNotUsed } from "../passkey.ts";
import { abandonEnrolment, beginEnrolment, finishEnrolment, type Beginning } from "../session.ts";
import { t } from "../texts.ts";
import { showLock } from "./lock.ts";
import { busy, waiting } from "./parts.ts";
import { showOpened } from "./pending.ts";
import { showMessage, showProblem } from "./problem.ts";
import { showStart } from "./start.ts";

/** Asks whose account the code joins, then whether that is who holds the phone. */
export function showEnrolment(app: App, code: string): void {
  app.show({ node: waiting(t("enrol.working")) });
  const again = (): void => showEnrolment(app, code);
  void beginEnrolment(app, code).then(
    (beginning) => showPerson(app, beginning),
    (error: unknown) => showProblem(app, error, again, () => void giveUp(app)),
  );
}

function showPerson(app: App, beginning: Beginning): void {
  const { bank } = app.config;
  const { person } = beginning.answer;
  const before = app.phone && app.phone.personId !== person.id ? app.phone.personName : undefined;
  const go = button("button", t("enrol.go"), () => void busy(go, () => finish(app, beginning)));
  app.show({
    node: h(
      "section",
      { class: "screen message" },
      h(
        "div",
        { class: "content" },
        h("span", { class: "seal brand" }, icon("person")),
        heading(t("enrol.title")),
        h("p", { class: "person" }, person.name),
        h("p", { class: "soft small" }, t("enrol.at", { bank })),
        h("p", { class: "soft" }, t("enrol.help")),
        before ? h("p", { class: "note warn" }, t("enrol.replaces", { person: before })) : undefined,
      ),
      h(
        "div",
        { class: "actions stacked" },
        go,
        button("button plain", t("enrol.not-me"), () => showNotMe(app)),
      ),
    ),
  });
}

async function finish(app: App, beginning: Beginning): Promise<void> {
  try {
    await finishEnrolment(app, beginning);
    showOpened(app);
  } catch (error) {
    // A challenge is good for one passkey: trying again asks for another.
    const again = (): void => showEnrolment(app, beginning.code);
    const explained = error instanceof PasskeyNotUsed && error.trouble === "declined";
    if (!explained) return showProblem(app, error, again, () => void giveUp(app));
    showMessage(app, {
      title: t("problem.passkey.create.title"),
      text: t("problem.passkey.create.text"),
      icon: "key",
      ways: [
        { label: t("try again"), go: again },
        { label: t("back"), go: () => void giveUp(app) },
      ],
    });
  }
}

function showNotMe(app: App): void {
  const { bank } = app.config;
  showMessage(app, {
    title: t("enrol.not-me.title"),
    text: t("enrol.not-me.text", { bank }),
    icon: "warning",
    tone: "warn",
    ways: [{ label: t("back"), go: () => void giveUp(app) }],
  });
}

async function giveUp(app: App): Promise<void> {
  await abandonEnrolment(app);
  if (app.phone) showLock(app, app.phone);
  else showStart(app);
}
