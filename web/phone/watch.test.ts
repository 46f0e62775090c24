import assert from "node:assert/strict";
import { test } from "node:test";
import { Refused } from "./api.ts";
import { watch, type Caller } from "./watch.ts";
import type { State } from "./wire.ts";

/** A server that answers with these states in turn, then never. */
function server(states: readonly (State | Refused)[]): { api: Caller; known: State[] } {
  const left = [...states];
  const known: State[] = [];
  const call = (_method: string, _path: string, options?: Parameters<Caller["call"]>[2]): Promise<unknown> => {
    known.push((options?.body as { state: State }).state);
    const next = left.shift();
    if (next instanceof Refused) return Promise.reject(next);
    return next === undefined ? new Promise(() => undefined) : Promise.resolve({ journey: "j", state: next });
  };
  return { api: { call } as Caller, known };
}

async function heard(states: readonly (State | Refused)[]): Promise<{ heard: State[]; known: State[] }> {
  const { api, known } = server(states);
  const said: State[] = [];
  await watch(api, "j", "claimed", ({ state: next }) => said.push(next), new AbortController().signal);
  return { heard: said, known };
}

test("each new state is told once, the same state not at all", async () => {
  const { heard: said } = await heard(["claimed", "matched", "matched", "review", "approved", "redirected"]);
  assert.deepEqual(said, ["matched", "review", "approved", "redirected"]);
});

test("the server is asked by the state it told last", async () => {
  const { known } = await heard(["matched", "review", "cancelled"]);
  assert.deepEqual(known, ["claimed", "matched", "review"]);
});

for (const state of ["redirected", "rejected", "cancelled", "killed", "expired"] as const) {
  test(`"${state}" ends the watch`, async () => {
    assert.deepEqual((await heard([state, "claimed"])).heard, [state]);
  });
}

test("a journey that is not this phone's any more ends the watch in silence", async () => {
  assert.deepEqual((await heard([new Refused(404, "not_found", "")])).heard, []);
});

test("a watch that was called off says nothing more", async () => {
  const stop = new AbortController();
  const { api } = server(["matched", "review"]);
  const said: State[] = [];
  await watch(api, "j", "claimed", ({ state }) => (said.push(state), stop.abort()), stop.signal);
  assert.deepEqual(said, ["matched"]);
});
