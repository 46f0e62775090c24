/** The first screen of an open app: scan, and who can see the accounts. */

import type { App } from "../app.ts";
import { button, h, heading, pair } from "../dom.ts";
import { firstName } from "../format.ts";
import { icon, type IconName } from "../icons.ts";
import type { Source } from "../picture.ts";
import { warmReader } from "../reader.ts";
import { signIn } from "../session.ts";
import { t } from "../texts.ts";
import { ConnectionList } from "./connections.ts";
import { showLetters } from "./letters.ts";
import { openLink } from "./link.ts";
import { showNotices } from "./notices.ts";
import { Offer } from "./offer.ts";
import { showPhones } from "./phones.ts";
import { attempt } from "./problem.ts";
import { showScanner } from "./scan.ts";
import { showStart } from "./start.ts";

// An answer may take five minutes from the scan; the person should not have to sign in within it.
export const JOURNEY_SECONDS = 330;
const WARM_AFTER_MS = 600;
// A new connection exists once the app has used its code, a moment after the approval.
const LOOK_AGAIN_MS = [1000, 2000, 4000, 8000];

/** `expectNew`: an approval has just been given, so the list is looked at again for a while. */
export function showHome(app: App, expectNew = false): void {
  if (app.link !== undefined) return openLink(app);
  const unread = h("span", { class: "chip", hidden: true });
  const list = new ConnectionList(app, (count) => {
    unread.hidden = count === 0;
    unread.textContent = count === 0 ? "" : t("home.unread", { count });
  });
  const offer = new Offer(app);
  const offline = h("p", { class: "note warn", role: "status", hidden: navigator.onLine }, t("home.offline"));
  const scan = (source: Source) => (): void => void openScanner(app, source);
  const node = h(
    "section",
    { class: "screen home" },
    h(
      "div",
      { class: "content" },
      heading(t("home.title", { person: firstName(app.phone?.personName ?? "") })),
      offer.node,
      scanCard(scan("camera")),
      app.config.sandbox ? screenButton(scan("screen")) : undefined,
      tile("letters", t("letters.open"), () => void openLetters(app)),
      offline,
      pair(
        tile("bell", t("notices.title"), () => showNotices(app), unread),
        tile("phone", t("phones.title"), () => showPhones(app)),
      ),
      list.node,
      app.config.sandbox ? otherPerson(app) : undefined,
    ),
  );
  const online = (): void => {
    offline.hidden = navigator.onLine;
    if (navigator.onLine) void list.load({ background: true });
  };
  const visible = (): void => {
    if (document.visibilityState === "visible") void list.load({ background: true });
  };
  const timers = expectNew
    ? LOOK_AGAIN_MS.map((after) => setTimeout(() => void list.load({ background: true }), after))
    : [];
  window.addEventListener("online", online);
  window.addEventListener("offline", online);
  document.addEventListener("visibilitychange", visible);
  timers.push(setTimeout(() => void warmReader().catch(() => undefined), WARM_AFTER_MS));
  app.show({
    node,
    left: () => {
      offer.stop();
      timers.forEach(clearTimeout);
      window.removeEventListener("online", online);
      window.removeEventListener("offline", online);
      document.removeEventListener("visibilitychange", visible);
    },
  });
  void list.load({});
  void offer.watch();
}

function scanCard(press: () => void): HTMLElement {
  const text = h(
    "span",
    { class: "card-text" },
    h("span", { class: "scan-title" }, t("home.scan")),
    " ",
    h("span", { class: "small" }, t("home.scan.help")),
  );
  const element = button("scan-card", icon("scan"), press);
  element.append(text);
  return element;
}

function screenButton(press: () => void): HTMLElement {
  const element = button("button quiet wide", icon("screen"), press);
  element.append(t("home.screen"));
  return element;
}

function tile(name: IconName, text: string, press: () => void, count?: HTMLElement): HTMLElement {
  const element = button("button quiet tile", icon(name), press);
  element.append(text, ...(count ? [" ", count] : []));
  return element;
}

function otherPerson(app: App): HTMLElement {
  const home = (): void => showHome(app);
  return button("button plain wide", t("home.other"), () => showStart(app, home));
}

function openScanner(app: App, source: Source): Promise<void> {
  const home = (): void => showHome(app);
  return signedIn(app, () => showScanner(app, { source, purpose: "journey", away: home }));
}

function openLetters(app: App): Promise<void> {
  const home = (): void => showHome(app);
  return signedIn(app, () => showLetters(app, home));
}

function signedIn(app: App, show: () => void): Promise<void> {
  const action = async (): Promise<void> => {
    if (!app.api.lasts(JOURNEY_SECONDS)) await signIn(app);
    show();
  };
  return attempt(app, action, () => showHome(app));
}
