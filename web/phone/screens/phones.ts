/** The person's phones: this one, others, and new ones that wait for their digits. */

import { Refused } from "../api.ts";
import type { App } from "../app.ts";
import { button, h, heading, pair } from "../dom.ts";
import { deviceName } from "../format.ts";
import { icon } from "../icons.ts";
import { t } from "../texts.ts";
import type { ListedPhone, Phones } from "../wire.ts";
import { showHome } from "./home.ts";
import { busy, waiting } from "./parts.ts";
import { attempt, showMessage, showProblem } from "./problem.ts";
import { showStart } from "./start.ts";

/** `said` is what has just come about, for those who do not see the list. */
export function showPhones(app: App, said?: string): void {
  app.show({ node: waiting(t("phones.loading")) });
  const home = (): void => showHome(app);
  void attempt(
    app,
    async () => {
      const { phones } = await app.api.call<Phones>("GET", "/phone/phones", { signedIn: true });
      showList(app, phones);
      if (said !== undefined) app.announce(said);
    },
    home,
  );
}

function showList(app: App, phones: readonly ListedPhone[]): void {
  const home = (): void => showHome(app);
  const order = [...phones].sort((one, other) => rank(one) - rank(other));
  app.show({
    node: h(
      "section",
      { class: "screen" },
      h(
        "div",
        { class: "content" },
        h("header", { class: "intro" }, heading(t("phones.title")), h("p", { class: "soft" }, t("phones.help"))),
        h("ul", { class: "cards" }, ...order.map((phone) => card(app, phone))),
        button("button plain wide", t("back"), home),
      ),
    ),
    back: home,
  });
}

/** What needs the person comes first, then the phone in the hand. */
function rank(phone: ListedPhone): number {
  if (phone.state !== "usable") return 0;
  return phone.this ? 1 : 2;
}

function card(app: App, phone: ListedPhone): HTMLElement {
  const name = deviceName(phone.name);
  const remove = button("button quiet small-button", t("phones.remove"), () => void askToRemove(app, remove, phone));
  remove.setAttribute("aria-label", t("phones.remove.label", { phone: name }));
  const confirm = button("button small-button", t("phones.confirm"), () => showConfirmPhone(app, phone));
  confirm.setAttribute("aria-label", t("phones.confirm.label", { phone: name }));
  return h(
    "li",
    { class: "card connection" },
    h(
      "div",
      { class: "client" },
      h("span", { class: "mark new", "aria-hidden": "true" }, icon("phone")),
      h("div", { class: "grow" }, h("h2", { class: "client-name" }, name), h("p", { class: "soft small" }, state(app, phone))),
      phone.this ? h("span", { class: "chip" }, t("phones.this")) : undefined,
    ),
    phone.state === "usable" ? remove : pair(remove, confirm),
  );
}

function state(app: App, phone: ListedPhone): string {
  const { format } = app;
  if (phone.state === "pending") return t("phones.pending");
  if (phone.state === "waiting") return t("phones.waiting", { when: format.moment(phone.usable_from ?? "") });
  const last = phone.signed_in_at ?? phone.enrolled_at;
  return t("phones.used", { when: format.recently(last, Date.now()) });
}

/** The digits of a new phone, typed here, make it usable. */
export function showConfirmPhone(app: App, phone: ListedPhone): void {
  const name = deviceName(phone.name);
  const away = (): void => showPhones(app);
  const digits = h("input", {
    class: "digits-field",
    inputmode: "numeric",
    autocomplete: "off",
    maxlength: "7",
    "aria-label": t("digits.label"),
  });
  const warning = h("p", { class: "note warn", role: "alert" });
  const go = button("button", t("digits.go"), () => void busy(go, send));
  const stranger = button("button quiet", t("digits.stranger"), () => void askToRemove(app, stranger, phone));
  const say = (text: string): void => {
    warning.textContent = text;
    digits.focus();
    digits.select();
  };
  const send = async (): Promise<void> => {
    const typed = digits.value.replaceAll(/\s/g, "");
    if (!/^[0-9]{6}$/.test(typed)) return say(t("digits.six"));
    try {
      const path = `/phone/phones/${encodeURIComponent(phone.phone_id)}/confirm`;
      await app.api.call("POST", path, { body: { digits: typed }, signedIn: true });
      showPhones(app, t("digits.done", { phone: name }));
    } catch (error) {
      if (!(error instanceof Refused) || error.code !== "wrong_digits") return showProblem(app, error, undefined, away);
      const left = Number(error.fields["tries_left"]);
      if (left > 0) return say(t("digits.wrong", { count: left }));
      showGone(app);
    }
  };
  const form = h(
    "form",
    { class: "screen message" },
    h(
      "div",
      { class: "content" },
      h("span", { class: "seal brand" }, icon("phone")),
      heading(t("digits.title")),
      h("p", { class: "person" }, name),
      h("p", { class: "soft" }, t("digits.help")),
      digits,
    ),
    h("div", { class: "actions stacked" }, warning, go, pair(button("button quiet", t("back"), away), stranger)),
  );
  // The keyboard of a phone has its own key to go on.
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    go.click();
  });
  app.show({ node: form, back: away });
}

function showGone(app: App): void {
  showMessage(app, {
    title: t("digits.gone.title"),
    text: t("digits.gone"),
    icon: "warning",
    tone: "warn",
    ways: [{ label: t("phones.title"), go: () => showPhones(app) }],
  });
}

async function askToRemove(app: App, pressed: HTMLElement, phone: ListedPhone): Promise<void> {
  const name = deviceName(phone.name);
  const sure = await app.ask({
    title: phone.this ? t("remove.this.title") : t("remove.title", { phone: name }),
    text: t(phone.this ? "remove.this.text" : "remove.text"),
    yes: t("remove.go"),
    no: t("remove.keep"),
  });
  if (sure) await busy(pressed, () => remove(app, phone, name));
}

async function remove(app: App, phone: ListedPhone, name: string): Promise<void> {
  try {
    await app.api.call("DELETE", `/phone/phones/${encodeURIComponent(phone.phone_id)}`, { signedIn: true });
  } catch (error) {
    // Gone already: what the person wanted has come about.
    if (!(error instanceof Refused && error.code === "not_found")) {
      return showProblem(app, error, undefined, () => showPhones(app));
    }
  }
  if (!phone.this) return showPhones(app, t("remove.done", { phone: name }));
  await app.forget();
  showMessage(app, {
    title: t("remove.this.done"),
    text: t("problem.forgotten.text"),
    icon: "check",
    tone: "good",
    ways: [{ label: t("start.title"), go: () => showStart(app) }],
  });
}
