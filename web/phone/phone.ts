/** The phone's web app: starts it, and decides which screen comes first. */

import { Api, Refused } from "./api.ts";
import { App } from "./app.ts";
import { readConfig } from "./config.ts";
import { formatFor } from "./format.ts";
import { enrolmentCode } from "./scanned.ts";
import { showEnrolment } from "./screens/enrol.ts";
import { showLock } from "./screens/lock.ts";
import { showProblem } from "./screens/problem.ts";
import { showStart } from "./screens/start.ts";
import { signIn } from "./session.ts";
import { PhoneStore } from "./store.ts";
import { chosenLanguage, currentLanguage, currentLocale, speak, t } from "./texts.ts";

/** Takes the enrolment code out of the address, so that it stays in no history and no screenshot. */
function takeCode(): string | undefined {
  const code = enrolmentCode(location.hash);
  if (location.hash !== "") history.replaceState(history.state, "", location.pathname);
  return code;
}

async function start(): Promise<void> {
  const code = takeCode();
  const config = readConfig(document);
  await speak(chosenLanguage(navigator.languages));
  document.documentElement.lang = currentLanguage();
  const app = new App(config, new Api(config.issuer), new PhoneStore(), formatFor(currentLocale()), document);
  app.api.renew = () => signInAgain(app);
  window.addEventListener("hashchange", () => {
    const next = takeCode();
    if (next !== undefined) showEnrolment(app, next);
  });
  void open(app, code);
  installWorker();
}

async function open(app: App, code: string | undefined): Promise<void> {
  try {
    const phone = await app.store.current();
    if (phone) app.usePhone(phone);
    if (code !== undefined) showEnrolment(app, code);
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
