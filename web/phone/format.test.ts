import assert from "node:assert/strict";
import { test } from "node:test";
import { browserName, deviceName, firstName, formatFor, initial, lastFour } from "./format.ts";
import { speak } from "./texts.ts";

await speak("en");

test("money has its currency's sign and digits", () => {
  const { money } = formatFor("en-GB");
  assert.equal(money("1234.56", "EUR"), "€1,234.56");
  assert.equal(money("-0.40", "GBP"), "-£0.40");
  assert.equal(money("1500", "JPY"), "JP¥1,500");
});

test("a date has its month in words", () => {
  assert.equal(formatFor("en-GB").date("2027-02-21T12:00:00Z"), "21 February 2027");
});

test("today and yesterday have a time, other days a date", () => {
  const { recently } = formatFor("en-GB");
  const now = new Date(2026, 4, 10, 14, 0).getTime();
  const at = (...day: [number, number, number, number, number]): string => new Date(...day).toISOString();
  assert.equal(recently(at(2026, 4, 10, 9, 5), now), "Today, 09:05");
  assert.equal(recently(at(2026, 4, 9, 23, 59), now), "Yesterday, 23:59");
  assert.equal(recently(at(2026, 4, 8, 9, 5), now), "8 May 2026");
});

test("how long ago is told in coarse words", () => {
  assert.deepEqual([0, 20.4, 99, 100, 240].map(formatFor("en-GB").ago), ["just now", "20 sec ago", "99 sec ago", "2 min ago", "4 min ago"]);
});

test("what the server calls a browser is told in the person's words", () => {
  assert.equal(deviceName("Safari on an iPhone"), "Safari on iPhone");
  assert.equal(deviceName("Firefox"), "Firefox");
  assert.equal(deviceName("an unknown browser"), "an unknown browser");
});

test("an account is known by its last four characters", () => {
  assert.equal(lastFour("NL91 ABNA 0417 1643 00"), "4300");
});

test("names are shortened without breaking a letter", () => {
  assert.equal(firstName(" Anna de Vries "), "Anna");
  assert.equal(initial("élan"), "É");
  assert.equal(initial("👩‍🌾 Farm"), "👩‍🌾");
  assert.equal(initial(""), "?");
});

const AGENTS: Record<string, string> = {
  "Chrome on Linux":
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36",
  "Chrome on Android":
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Mobile Safari/537.36",
  "Edge on Windows":
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36 Edg/120.0.0.0",
  "Safari on iPhone":
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Mobile/15E148 Safari/604.1",
  "Chrome on iPhone":
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/120.0.0.0 Mobile/15E148 Safari/604.1",
  "Firefox on Mac": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:120.0) Gecko/20100101 Firefox/120.0",
  "Samsung Internet on Android":
    "Mozilla/5.0 (Linux; Android 13; SAMSUNG SM-S911B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/23.0 Chrome/115.0.0.0 Mobile Safari/537.36",
  Browser: "curl/8.0",
};

for (const [name, agent] of Object.entries(AGENTS)) {
  test(`a browser is called "${name}"`, () => assert.equal(browserName(agent), name));
}
