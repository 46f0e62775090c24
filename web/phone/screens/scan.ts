/** The scanner: a picture, a frame around what counts, and one line of help. */

import type { App } from "../app.ts";
import { Sieve, type Aim, type Verdict } from "../claim.ts";
import { button, h, heading } from "../dom.ts";
import { icon } from "../icons.ts";
import { NoPicture, openPictures, stopPictures, type Source } from "../picture.ts";
import { explain } from "../problems.ts";
import { openReader, type Reader } from "../reader.ts";
import { t, type TextKey } from "../texts.ts";
import type { Claimed } from "../wire.ts";
import { openJourney } from "./ask.ts";
import { showEnrolment } from "./enrol.ts";
import { showLetters } from "./letters.ts";
import { showMessage, showProblem } from "./problem.ts";

export interface Scan {
  readonly source: Source;
  readonly purpose: "journey" | "enrolment";
  readonly away: () => void;
}

const PAUSE_MS = 80;
const WORD_MS = 3000;

export function showScanner(app: App, scan: Scan): void {
  const view = viewOf(app, scan);
  const scanner = new Scanner(app, scan, view);
  app.show({ node: view.node, left: () => scanner.stop(), back: scan.away });
  void scanner.run();
}

type Go = () => void;

class Scanner {
  readonly #app: App;
  readonly #scan: Scan;
  readonly #view: View;
  readonly #sieve: Sieve<Go>;
  #stream: MediaStream | undefined;
  #stopped = false;
  #saidAt = 0;
  readonly #hidden = (): void => void this.#onVisibility();

  constructor(app: App, scan: Scan, view: View) {
    this.#app = app;
    this.#scan = scan;
    this.#view = view;
    this.#sieve = new Sieve(app.config.issuer, aim(app, scan), () => performance.now());
  }

  async run(): Promise<void> {
    document.addEventListener("visibilitychange", this.#hidden);
    try {
      const [reader] = await Promise.all([openReader(this.#scan.source), this.#open()]);
      this.#say(undefined);
      this.#view.node.classList.add("live");
      await this.#look(reader);
    } catch (error) {
      if (!this.#stopped) showFailure(this.#app, this.#scan, error);
    }
  }

  /** Lets go of the camera or the screen at once. */
  stop(): void {
    this.#stopped = true;
    document.removeEventListener("visibilitychange", this.#hidden);
    this.#close();
  }

  async #open(): Promise<void> {
    const stream = await openPictures(this.#scan.source);
    // The person may have gone away while the browser asked for permission.
    if (this.#stopped) return stopPictures(stream);
    this.#stream = stream;
    stream.getVideoTracks()[0]?.addEventListener("ended", () => this.#ended(stream));
    this.#view.video.srcObject = stream;
    // Not waited for: a shared window that stands still sends its first picture when it changes.
    this.#view.video.play().catch((error: unknown) => this.#notPlayed(stream, error));
  }

  #notPlayed(stream: MediaStream, error: unknown): void {
    if (!this.#stopped && this.#stream === stream) showFailure(this.#app, this.#scan, error);
  }

  #close(): void {
    stopPictures(this.#stream);
    this.#stream = undefined;
    this.#view.video.srcObject = null;
  }

  async #look(reader: Reader): Promise<void> {
    while (!this.#stopped) {
      const texts = this.#stream ? await reader.read(this.#view.video) : [];
      if (this.#stopped) return;
      const verdict = await this.#sieve.consider(texts);
      if (this.#stopped) return;
      if (this.#settle(verdict)) return;
      await pause(PAUSE_MS);
    }
  }

  #settle(verdict: Verdict<Go>): boolean {
    if ("done" in verdict) {
      this.stop();
      verdict.done();
      return true;
    }
    if ("stale" in verdict) {
      showStale(this.#app, this.#scan);
      return true;
    }
    if (verdict.say !== undefined) this.#say(verdict.say);
    else if (performance.now() - this.#saidAt > WORD_MS) this.#say(undefined);
    return false;
  }

  // A screen shows many codes that are not meant for this, so there only the bank's own get a word.
  #say(key: TextKey | undefined): void {
    if (key === "scan.foreign" && this.#scan.source === "screen") return;
    if (key !== undefined) this.#saidAt = performance.now();
    const text = key === undefined ? "" : t(key, { bank: this.#app.config.bank });
    if (this.#view.word.textContent !== text) this.#view.word.textContent = text;
  }

  #ended(stream: MediaStream): void {
    if (this.#stopped || this.#stream !== stream) return;
    const again = { label: t("try again"), go: () => showScanner(this.#app, this.#scan) };
    const back = { label: t("back"), go: this.#scan.away };
    const screen = this.#scan.source === "screen";
    showMessage(this.#app, {
      title: t(screen ? "screen.ended.title" : "camera.busy.title"),
      text: t(screen ? "screen.ended.text" : "camera.busy.text"),
      icon: screen ? "screen" : "camera",
      ways: [again, back],
    });
  }

  // A camera that runs behind another app is not what anybody wants. A shared screen is: there
  // the other window is in front.
  async #onVisibility(): Promise<void> {
    if (this.#scan.source === "screen" || this.#stopped) return;
    if (document.visibilityState === "hidden") return this.#close();
    if (this.#stream) return;
    await this.#open().catch((error: unknown) => {
      if (!this.#stopped) showFailure(this.#app, this.#scan, error);
    });
  }
}

function aim(app: App, scan: Scan): Aim<Go> {
  if (scan.purpose === "enrolment") {
    return { kind: "enrolment", take: (code) => Promise.resolve(() => showEnrolment(app, code)) };
  }
  return {
    kind: "frame",
    take: async (code) => {
      const claimed = await app.api.call<Claimed>("POST", "/phone/claim", { body: { code }, signedIn: true });
      return () => openJourney(app, claimed);
    },
  };
}

interface View {
  readonly node: HTMLElement;
  readonly video: HTMLVideoElement;
  readonly word: HTMLElement;
}

function viewOf(app: App, scan: Scan): View {
  const { bank } = app.config;
  const kind = scan.source === "screen" ? ".screen" : scan.purpose === "enrolment" ? ".enrol" : "";
  const video = h("video", { "aria-hidden": "true" });
  video.muted = true;
  video.playsInline = true;
  const word = h(
    "p",
    { class: "word", role: "status" },
    t(scan.source === "screen" ? "scan.starting.screen" : "scan.starting"),
  );
  const close = button("close", icon("close"), scan.away);
  close.setAttribute("aria-label", t("close"));
  const letters =
    scan.purpose === "journey"
      ? button("button plain", t("letters.open"), () => showLetters(app, scan.away))
      : undefined;
  const node = h(
    "section",
    { class: `screen scanner of-${scan.source}` },
    video,
    h("div", { class: "scan-top" }, heading(t(`scan.title${kind}`, { bank })), close),
    h("div", { class: "scan-frame", "aria-hidden": "true" }),
    h("div", { class: "scan-bottom" }, word, h("p", {}, t(`scan.help${kind}`, { bank })), letters),
  );
  return { node, video, word };
}

function showFailure(app: App, scan: Scan, error: unknown): void {
  const again = (): void => showScanner(app, scan);
  const screenHelps = error instanceof NoPicture && scan.source === "camera" && app.config.sandbox;
  if (!screenHelps) return showProblem(app, error, again, scan.away);
  showMessage(app, {
    ...explain(error, app.config),
    ways: [
      { label: t("try again"), go: again },
      { label: t("home.screen"), go: () => showScanner(app, { ...scan, source: "screen" }) },
      { label: t("back"), go: scan.away },
    ],
  });
}

function showStale(app: App, scan: Scan): void {
  showMessage(app, {
    title: t("scan.stale.title"),
    text: t("scan.stale.text"),
    icon: "scan",
    ways: [
      { label: t("scan.again"), go: () => showScanner(app, scan) },
      { label: t("back"), go: scan.away },
    ],
  });
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
