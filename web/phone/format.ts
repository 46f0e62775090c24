/** Numbers, dates and names in the form a person reads. */

import { t } from "./texts.ts";

const DAY = 86_400_000;

export interface Format {
  date(moment: string): string;
  /** A date with the time of day. */
  moment(moment: string): string;
  /** A date, or the time of day where it was today or yesterday. */
  recently(moment: string, now: number): string;
  money(amount: string, currency: string): string;
  /** How long ago something began, in the coarsest words that still help. */
  ago(seconds: number): string;
}

/** Writes by the rules of a locale, like "en-GB" or "nl". */
export function formatFor(where: string): Format {
  const date = new Intl.DateTimeFormat(where, { day: "numeric", month: "long", year: "numeric" });
  const whole = new Intl.DateTimeFormat(where, { dateStyle: "long", timeStyle: "short" });
  const time = new Intl.DateTimeFormat(where, { hour: "2-digit", minute: "2-digit" });
  const day = new Intl.RelativeTimeFormat(where, { numeric: "auto" });
  const since = new Intl.RelativeTimeFormat(where, { style: "short" });
  return {
    date: (moment) => date.format(new Date(moment)),
    moment: (moment) => whole.format(new Date(moment)),
    recently: (moment, now) => {
      const then = new Date(moment);
      const days = daysBetween(then, new Date(now));
      return days > 1 ? date.format(then) : `${capital(day.format(-days, "day"))}, ${time.format(then)}`;
    },
    money: (amount, currency) => new Intl.NumberFormat(where, { style: "currency", currency }).format(Number(amount)),
    ago: (seconds) => {
      if (seconds < 5) return t("ago.now");
      if (seconds < 100) return since.format(-Math.round(seconds), "second");
      return since.format(-Math.round(seconds / 60), "minute");
    },
  };
}

function daysBetween(then: Date, now: Date): number {
  const midnight = (moment: Date): number => new Date(moment).setHours(0, 0, 0, 0);
  return Math.max(0, Math.round((midnight(now) - midnight(then)) / DAY));
}

function capital(text: string): string {
  return text.charAt(0).toLocaleUpperCase() + text.slice(1);
}

export function lastFour(iban: string): string {
  return iban.replaceAll(" ", "").slice(-4);
}

/** An account number as it stands on paper: in groups of four. */
export function inFours(iban: string): string {
  return iban.replace(/.{4}(?=.)/g, "$& ");
}

export function initial(name: string): string {
  const [first] = new Intl.Segmenter(undefined, { granularity: "grapheme" }).segment(name.trim());
  return first?.segment.toLocaleUpperCase() ?? "?";
}

/** First names for a greeting: "Anna de Vries" is "Anna". */
export function firstName(name: string): string {
  return name.trim().split(/\s+/)[0] ?? name;
}

/** What the server calls a browser, "Chrome on a Mac", in the person's language. */
export function deviceName(told: string): string {
  const [browser, system] = told.split(" on ", 2);
  if (browser === undefined || browser === "an unknown browser") return t("device.unknown");
  return system === undefined ? browser : t("device", { browser, system: system.replace(/^an? /, "") });
}

/** What the person will know this browser by, like "Chrome on Android". */
export function browserName(agent: string): string {
  const browsers: [RegExp, string][] = [
    [/\bEdgA?\/|\bEdgiOS\//, "Edge"],
    [/\bOPR\//, "Opera"],
    [/\bSamsungBrowser\//, "Samsung Internet"],
    [/\bFirefox\/|\bFxiOS\//, "Firefox"],
    [/\bChrom(e|ium)\/|\bCriOS\//, "Chrome"],
    [/\bSafari\//, "Safari"],
  ];
  const systems: [RegExp, string][] = [
    [/\biPhone\b/, "iPhone"],
    [/\biPad\b/, "iPad"],
    [/\bAndroid\b/, "Android"],
    [/\bWindows\b/, "Windows"],
    [/\bCrOS\b/, "ChromeOS"],
    [/\bMac OS X\b/, "Mac"],
    [/\bLinux\b/, "Linux"],
  ];
  const named = (names: [RegExp, string][]): string | undefined => names.find(([sign]) => sign.test(agent))?.[1];
  const browser = named(browsers) ?? "Browser";
  const system = named(systems);
  return system === undefined ? browser : `${browser} on ${system}`;
}
