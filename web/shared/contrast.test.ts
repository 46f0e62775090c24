// Reads tokens.css as a browser would and measures what stands on what, for many brand colours.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

type Rgb = readonly [number, number, number];
type Tokens = Readonly<Record<string, string>>;

const css = readFileSync("shared/tokens.css", "utf8").replaceAll(/\/\*[\s\S]*?\*\//g, "");
const [lightPart = "", darkPart = ""] = css.split("@media (prefers-color-scheme: dark)");
const light = readTokens(lightPart);
const dark = { ...light, ...readTokens(darkPart) };

const BRANDS = ["#0b5d4b", "#000000", "#ffffff", "#ffcc00", "#e60000", "#00e5ff", "#00ff00", "#ff6200", "#1a1aff"];
const TEXT = 4.5;
const CONTROL = 3;

/** What stands on what, and how far apart they must be (WCAG 2.2, 1.4.3 and 1.4.11). */
const PAIRS: readonly (readonly [string, string, number])[] = [
  ...["page", "surface", "sunken", "brand-soft"].flatMap((under) => [
    ["ink", under, TEXT] as const,
    ["ink-2", under, TEXT] as const,
    ["brand-ink", under, TEXT] as const,
    ["good", under, TEXT] as const,
    ["warn", under, TEXT] as const,
    ["bad", under, TEXT] as const,
    ["brand-fill", under, CONTROL] as const,
    ["accent-fill", under, CONTROL] as const,
  ]),
  ["on-brand", "brand-fill", TEXT],
  ["surface", "good", CONTROL],
  ["good", "good-soft", TEXT],
  ["warn", "warn-soft", TEXT],
  ["bad", "bad-soft", TEXT],
  ["edge", "page", CONTROL],
  ["edge", "surface", CONTROL],
  ["code-ink", "code-paper", 15],
];

for (const [mode, tokens] of Object.entries({ light, dark })) {
  for (const brand of BRANDS) {
    test(`text and controls can be read in ${mode} with the bank's colour ${brand}`, () => {
      const low = PAIRS.map(([over, under, least]) => {
        const ratio = contrast(colour(tokens, over, brand), colour(tokens, under, brand));
        return ratio < least ? `${over} on ${under}: ${ratio.toFixed(2)} < ${least}` : "";
      }).filter(Boolean);
      assert.deepEqual(low, []);
    });
  }
}

function readTokens(part: string): Tokens {
  // The last one wins, as in a browser that knows everything: the @supports blocks stand last.
  const found = [...part.matchAll(/--([\w-]+):\s*([^;]+);/g)];
  return Object.fromEntries(found.map(([, name = "", value = ""]) => [name, value]));
}

function colour(tokens: Tokens, name: string, brand: string): Rgb {
  const value = name === "brand" || name === "accent" ? brand : (tokens[name] ?? assert.fail(`no token ${name}`));
  const other = /^var\(--([\w-]+)\)$/.exec(value)?.[1];
  if (other !== undefined) return colour(tokens, other, brand);
  const from = /^oklch\(from var\(--(?:brand|accent)\) (clamp\(.+?\)|[\d.]+) (c|min\(.+?\)) h\)$/.exec(value);
  if (from !== null) return derived(from[1] ?? "", from[2] ?? "", toOklab(hex(brand)));
  return hex(value);
}

function derived(lightness: string, chroma: string, [l, a, b]: Rgb): Rgb {
  const c = Math.hypot(a, b);
  const bounds = /^clamp\(([\d.]+), l, ([\d.]+)\)$/.exec(lightness);
  const newL = bounds ? Math.min(Number(bounds[2]), Math.max(Number(bounds[1]), l)) : Number(lightness);
  const most = /^min\(c, ([\d.]+)\)$/.exec(chroma);
  const newC = most ? Math.min(Number(most[1]), c) : c;
  assert.ok(Number.isFinite(newL), lightness);
  const scale = c === 0 ? 0 : newC / c;
  return fromOklab([newL, a * scale, b * scale]);
}

function hex(value: string): Rgb {
  assert.match(value, /^#[0-9a-f]{6}$/);
  return [1, 3, 5].map((at) => linear(Number.parseInt(value.slice(at, at + 2), 16) / 255)) as unknown as Rgb;
}

function linear(part: number): number {
  return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
}

// Björn Ottosson's Oklab, from and to linear sRGB; what lies outside is clipped.
function toOklab([r, g, b]: Rgb): Rgb {
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

function fromOklab([L, a, b]: Rgb): Rgb {
  const l = (L + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (L - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (L - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ].map((part) => Math.min(1, Math.max(0, part))) as unknown as Rgb;
}

function contrast(one: Rgb, other: Rgb): number {
  const light = ([r, g, b]: Rgb): number => 0.2126 * r + 0.7152 * g + 0.0722 * b;
  const [dim, bright] = [Math.min(light(one), light(other)), Math.max(light(one), light(other))];
  return (bright + 0.05) / (dim + 0.05);
}
