/** Becoming a person's phone, and opening it again. */

import { Refused } from "./api.ts";
import type { App } from "./app.ts";
import { browserName } from "./format.ts";
import { codeHash, digitsOf, OtherDigits } from "./digits.ts";
import { createPasskey, usePasskey } from "./passkey.ts";
import { makeDeviceKey, type DeviceKey } from "./proof.ts";
import type { Phone } from "./store.ts";
import type { Enrolment, EnrolOptions, SignedIn, SignInOptions } from "./wire.ts";

/** A phone that is about to be set up: its key, and what the code stands for. */
export interface Beginning {
  readonly code: string;
  readonly key: DeviceKey;
  readonly answer: EnrolOptions;
}

/** Makes a key and asks whose account the code joins. */
export async function beginEnrolment(app: App, code: string): Promise<Beginning> {
  const key = await makeDeviceKey();
  app.api.useKey(key);
  const answer = await app.api.call<EnrolOptions>("POST", "/phone/enrol/options", { body: { code } });
  return { code, key, answer };
}

/** Makes the passkey and tells the server; from then on this is the person's phone. */
export async function finishEnrolment(app: App, { code, key, answer }: Beginning): Promise<void> {
  const credential = await createPasskey(answer.options);
  const name = browserName(navigator.userAgent);
  const signedIn = await app.api.call<SignedIn>("POST", "/phone/enrol", { body: { code, credential, name } });
  const { person, phone_id: phoneId } = signedIn;
  const joinedWith = await codeHash(code);
  const phone = { personId: person.id, personName: person.name, phoneId, key, joinedWith };
  await checkDigits(phone, signedIn);
  await app.store.keep(phone);
  app.usePhone(phone);
  app.signedIn(signedIn);
  // Keys should outlive a browser that tidies up; a browser that says no changes nothing else.
  void navigator.storage?.persist?.().catch(() => false);
}

/** Gives up an enrolment: the phone this was before, if any, is it again. */
export async function abandonEnrolment(app: App): Promise<void> {
  const phone = await app.store.current();
  if (phone) app.usePhone(phone);
}

/** A code for an invented person; only the sandbox gives those. `null` invents a new one. */
export async function sandboxCode(app: App, person: string | null): Promise<string> {
  return (await app.api.plain<Enrolment>("POST", "/phone/sandbox/enrolments", { person })).code;
}

/** Signs the current phone's person in with the passkey. A phone the server does not know is forgotten. */
export async function signIn(app: App): Promise<void> {
  const { phone } = app;
  if (phone === undefined) throw new Refused(401, "sign_in_required", "no phone here");
  const phone_id = phone.phoneId;
  try {
    const { options } = await app.api.call<SignInOptions>("POST", "/phone/sign-in/options", { body: { phone_id } });
    const credential = await usePasskey(options);
    const signedIn = await app.api.call<SignedIn>("POST", "/phone/sign-in", { body: { phone_id, credential } });
    await checkDigits(phone, signedIn);
    app.signedIn(signedIn);
  } catch (error) {
    if (error instanceof Refused && error.code === "phone_not_known") {
      await app.forget();
    }
    throw error;
  }
}

/** Other digits from the server mean that somebody stands between, or that it thinks of another phone. */
async function checkDigits({ key, joinedWith }: Phone, { pending }: SignedIn): Promise<void> {
  if (!pending) return;
  const own = joinedWith === undefined ? undefined : await digitsOf(key.jwk, joinedWith);
  if (own !== pending.digits) throw new OtherDigits(`${pending.digits} is not ${own}`);
}
