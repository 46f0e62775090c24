/** Hearing within a second what happens to a journey elsewhere. */

import { Refused, type Api } from "./api.ts";
import type { Moved, State } from "./wire.ts";

export type Caller = Pick<Api, "call">;

const AFTER_TROUBLE_MS = 1500;
const FINAL: readonly State[] = ["redirected", "rejected", "cancelled", "killed", "expired"];

/** Calls `changed` for each new state until a final one, or until `signal` ends it. Never throws. */
export async function watch(
  api: Caller,
  journey: string,
  state: State,
  changed: (moved: Moved) => void,
  signal: AbortSignal,
): Promise<void> {
  // The server answers by what this loop knows, not by what the screen shows: else an answer
  // that overtakes the screen's own would be asked for again and again.
  let known = state;
  while (!signal.aborted && !FINAL.includes(known)) {
    const next = await once(api, journey, known, signal);
    if (signal.aborted || next === "gone") return;
    if (next === "trouble") {
      await pause(AFTER_TROUBLE_MS, signal);
    } else if (next.state !== known) {
      known = next.state;
      changed(next);
    }
  }
}

async function once(
  api: Caller,
  journey: string,
  state: State,
  signal: AbortSignal,
): Promise<Moved | "trouble" | "gone"> {
  const options = { body: { journey, state }, signal, signedIn: true, background: true };
  try {
    return await api.call<Moved>("POST", "/phone/watch", options);
  } catch (error) {
    return error instanceof Refused && error.status === 404 ? "gone" : "trouble";
  }
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
