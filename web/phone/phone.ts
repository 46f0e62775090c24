/** The phone's web app: starts it, and decides which screen comes first. */

import { Api, Refused } from "./api.ts";
import { App } from "./app.ts";
import { readConfig } from "./config.ts";
import { formatFor } from "./format.ts";
import { enrolmentCode, linkCode } from "./scanned.ts";
import { showEnrolment } from "./screens/enrol.ts";
import { JOURNEY_SECONDS, showHome } from "./screens/home.ts";
import { showLock } from "./screens/lock.ts";
import { showProblem } from "./screens/problem.ts";
import { showStart } from "./screens/start.ts";
import { signIn } from "./session.ts";
import { PhoneStore } from "./store.ts";
import { chosenLanguage, currentLanguage, currentLocale, speak, t } from "./texts.ts";

interface Opened {
  /** A code that sets up this phone. */
  readonly code: string | undefined;
  /** A request that began in this browser. */
  readonly link: string | undefined;
}

/** Takes what the address opens out of it, so that it stays in no history and no screenshot. */
function takeFragment(issuer: string): Opened {
  const opened = { code: enrolmentCode(location.hash), link: linkCode(location.hash, issuer) };
  if (location.hash !== "") history.replaceState(history.state, "", location.pathname);
  return opened;
}

async function start(): Promise<void> {
  const config = readConfig(document);
  const opened = takeFragment(config.issuer);
  await speak(chosenLanguage(navigator.languages));
  document.documentElement.lang = currentLanguage();
  const app = new App(config, new Api(config.issuer), new PhoneStore(), formatFor(currentLocale()), document);
  app.api.renew = () => signInAgain(app);
  window.addEventListener("hashchange", () => {
    const next = takeFragment(config.issuer);
    if (next.code !== undefined || next.link !== undefined) void open(app, next);
  });
  void open(app, opened);
  installWorker();
}

async function open(app: App, { code, link }: Opened): Promise<void> {
  app.link = link;
  try {
    const phone = await app.store.current();
    if (phone && phone.phoneId !== app.phone?.phoneId) app.usePhone(phone);
    if (code !== undefined) showEnrolment(app, code);
    else if (phone && link !== undefined && app.api.lasts(JOURNEY_SECONDS)) showHome(app);
    else if (phone) showLock(app, phone);
    else showStart(app);
  } catch (error) {
    const again = (): void => location.reload();
    showProblem(app, error, again, again);
  }
}

async function signInAgain(app: App): Promise<void> {
  const sure = await app.ask({
    title: t("again.title"),
    text: t("again.text"),
    yes: t("again.go"),
    no: t("again.stop"),
  });
  if (!sure) throw new Refused(401, "sign_in_required", "the person would not sign in");
  await signIn(app);
}

/** Makes the app installable. Without it everything still works. */
function installWorker(): void {
  navigator.serviceWorker?.register("/phone/sw.js", { scope: "/phone" }).catch(() => undefined);
}

/** Without its texts the app can say nothing; the page has the few words for that. */
function showNotLoaded(): void {
  document.getElementById("not-loaded")?.removeAttribute("hidden");
}

start().catch(showNotLoaded);
