/** What the server tells the page about one journey: `event: state` of the page's stream. */

const STATES = [
  "waiting",
  "lapsed",
  "app",
  "claimed",
  "matched",
  "review",
  "approved",
  "rejected",
  "cancelled",
  "killed",
  "expired",
  "redirected",
] as const;

export type State = (typeof STATES)[number];

export interface StateEvent {
  readonly state: State;
  readonly reason: string;
  /** Whole seconds until this state ends by itself; absent where it does not. */
  readonly expiresIn: number | undefined;
  /** How often a new code may still be asked for; told with `lapsed`. */
  readonly codesLeft: number | undefined;
  /** What the phone asks for; told while claimed. */
  readonly number: number | undefined;
  /** The short code, while there is one. */
  readonly letters: string | undefined;
}

const LEAVING: ReadonlySet<State> = new Set<State>(["approved", "rejected", "cancelled"]);
const FINAL: ReadonlySet<State> = new Set<State>([...LEAVING, "killed", "expired", "redirected"]);
const COUNTED: ReadonlySet<State> = new Set<State>(["waiting", "app", "claimed", "matched", "review"]);
const WITH_CODE: ReadonlySet<State> = new Set<State>(["waiting", "claimed"]);

export function isState(value: unknown): value is State {
  return (STATES as readonly unknown[]).includes(value);
}

/** Does the page go back to the third party by itself? */
export function isLeaving(state: State): boolean {
  return LEAVING.has(state);
}

export function isFinal(state: State): boolean {
  return FINAL.has(state);
}

/** Does the page show how long this state may last? */
export function isCounted(state: State): boolean {
  return COUNTED.has(state);
}

/** Does a code stand on the page? While claimed, small: a second scan must be able to spoil the first. */
export function showsCode(state: State): boolean {
  return WITH_CODE.has(state);
}

/** The event in `data`, or undefined where this page does not know what it says. */
export function readState(data: string): StateEvent | undefined {
  const value = parse(data);
  if (!isState(value["state"])) return undefined;
  const reason = value["reason"];
  return {
    state: value["state"],
    reason: typeof reason === "string" ? reason : "",
    expiresIn: count(value["expires_in"]),
    codesLeft: count(value["codes_left"]),
    number: count(value["number"]),
    letters: typeof value["letters"] === "string" ? value["letters"] : undefined,
  };
}

function count(value: unknown): number | undefined {
  return typeof value === "number" && value >= 0 ? value : undefined;
}

function parse(data: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(data);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
