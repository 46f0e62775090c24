/**
 * Showing one state of the page.
 *
 * The template carries a `<section data-screen="state …">` (or `state:reason`) for each state with all its
 * words, so that no text stands in a script. This reveals the one that counts and tells people who cannot see it.
 */

import { clockText, passed, SHORT_SECONDS, secondsLeft } from "./countdown.ts";

const TICK_MS = 250;

/** `BCDF-GHJK` letter by letter, as it is told to people who do not see it. */
export function spelled(letters: string): string {
  return [...letters.replace("-", "")].join(", ");
}

export class Screen {
  readonly #main: HTMLElement;
  readonly #sections: readonly HTMLElement[];
  readonly #ring: SVGElement | null;
  #ticker = 0;
  #end = 0;
  #left = 0;

  constructor(main: HTMLElement) {
    this.#main = main;
    this.#sections = [...main.querySelectorAll<HTMLElement>("[data-screen]")];
    this.#ring = main.querySelector<SVGElement>("[data-ring]");
  }

  /** Reveals the section of `name`, or the one for this `reason` of it if there is one, and says its words. */
  show(name: string, reason = "", said: Readonly<Record<string, string>> = {}): void {
    const section = this.#find(name, reason);
    if (section === undefined) return;
    this.#main.dataset["state"] = name;
    document.title = section.dataset["title"] ?? document.title;
    if (!section.hidden) return;
    for (const other of this.#sections) other.hidden = other !== section;
    this.#main.dataset["view"] = section.dataset["view"] ?? "";
    this.say(section.dataset["say"]?.replace(/\{(\w+)\}/, (_, name: string) => said[name] ?? ""));
    section.querySelector<HTMLElement>("h1")?.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }

  /** Tells people who listen to the page. */
  say(text: string | undefined): void {
    const live = this.#main.querySelector("[data-live]");
    if (live !== null && text !== undefined) live.textContent = text;
  }

  /** Counts down from `seconds`, of which there are `total` when nothing has passed. */
  countDown(seconds: number, total: number): void {
    this.stopCounting();
    this.#end = Date.now() + seconds * 1000;
    this.#left = seconds + 1;
    this.#moveRing(seconds, total);
    this.#ticker = window.setInterval(() => this.#tick(), TICK_MS);
    this.#tick();
  }

  stopCounting(): void {
    window.clearInterval(this.#ticker);
    for (const animation of this.#ring?.getAnimations() ?? []) animation.cancel();
    this.#main.removeAttribute("data-hurry");
  }

  #find(name: string, reason: string): HTMLElement | undefined {
    const named = (wanted: string) =>
      this.#sections.find((section) => section.dataset["screen"]?.split(" ").includes(wanted));
    return named(`${name}:${reason}`) ?? named(name);
  }

  #tick(): void {
    const left = secondsLeft(this.#end, Date.now());
    if (left === this.#left) return;
    const moment = passed(this.#left, left);
    this.#left = left;
    for (const place of this.#main.querySelectorAll("[data-left]")) place.textContent = clockText(left);
    this.#main.toggleAttribute("data-hurry", left <= SHORT_SECONDS);
    if (moment !== undefined) this.say(this.#main.dataset[`say${moment}`]);
    if (left === 0) window.clearInterval(this.#ticker);
  }

  #moveRing(seconds: number, total: number): void {
    const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (this.#ring === null || still) return;
    // The ring's length is 100 (pathLength), so what has passed is a percentage. It goes like a clock's hand.
    const gone = Math.min(100, Math.max(0, 100 - (100 * seconds) / total));
    this.#ring.animate([{ strokeDashoffset: -gone }, { strokeDashoffset: -100 }], {
      duration: seconds * 1000,
      fill: "forwards",
    });
  }
}
