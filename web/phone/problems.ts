/** What to tell a person about an error: what happened, and what to do next. */

import { Refused, Unreachable } from "./api.ts";
import type { Config } from "./config.ts";
import { WrongDocument } from "./consent.ts";
import { OtherDigits } from "./digits.ts";
import type { IconName } from "./icons.ts";
import { PasskeyNotUsed } from "./passkey.ts";
import { NoPicture } from "./picture.ts";
import { KeepsNothing } from "./store.ts";
import { t, type TextKey } from "./texts.ts";

export interface Explained {
  readonly title: string;
  readonly text: string;
  readonly icon: IconName;
}

type Titled<Key> = Key extends `${infer Stem}.title` ? Stem : never;
type Stem = Titled<TextKey>;

export function explain(error: unknown, config: Config): Explained {
  const [stem, icon] = classify(error);
  const values = { bank: config.bank, host: config.host };
  return { title: t(`${stem}.title` as TextKey, values), text: t(textKey(stem, config), values), icon };
}

function textKey(stem: Stem, config: Config): TextKey {
  return stem === "problem.code" && config.sandbox ? "problem.code.sandbox" : (`${stem}.text` as TextKey);
}

function classify(error: unknown): [Stem, IconName] {
  if (error instanceof Unreachable) {
    return navigator.onLine ? ["problem.unreachable", "cloud"] : ["problem.offline", "cloud"];
  }
  if (error instanceof Refused) return refused(error);
  if (error instanceof PasskeyNotUsed) {
    if (error.trouble === "unable") return ["problem.passkey.unable", "key"];
    return [error.trouble === "exists" ? "problem.passkey.exists" : "problem.passkey", "key"];
  }
  if (error instanceof NoPicture) return noPicture(error);
  if (error instanceof WrongDocument) return ["problem.document", "warning"];
  if (error instanceof OtherDigits) return ["problem.digits", "warning"];
  if (error instanceof KeepsNothing) return ["problem.keys", "key"];
  return ["problem.bug", "warning"];
}

function refused({ code, status }: Refused): [Stem, IconName] {
  switch (code) {
    case "code_not_accepted":
      return ["problem.code", "scan"];
    case "enrolment_code_used":
      return ["problem.code-used", "warning"];
    case "another_phone_pending":
      return ["problem.phone-waits", "warning"];
    case "connection_ended":
      return ["problem.over", "once"];
    case "connection_of_another":
      return ["problem.another", "warning"];
    case "connection_changed":
      return ["problem.changed", "once"];
    case "not_renewable":
      return ["problem.not-renewable", "once"];
    case "other_phone":
      return ["problem.other-phone", "phone"];
    case "already_scanned":
      return ["problem.scanned", "warning"];
    case "number_wrong":
      return ["ended.wrong_number", "warning"];
    case "risk_too_high":
      return ["ended.risk", "warning"];
    case "claims_stopped":
      return ["problem.stopped", "warning"];
    case "phone_not_known":
      return ["problem.forgotten", "key"];
    case "slow_down":
      return ["problem.slow", "once"];
    case "invalid_proof":
      return ["problem.clock", "once"];
    case "wrong_state":
    case "not_found":
      return ["problem.state", "once"];
    default:
      return status >= 500 ? ["problem.server", "cloud"] : ["problem.request", "warning"];
  }
}

function noPicture({ trouble, source }: NoPicture): [Stem, IconName] {
  if (source === "screen") return [trouble === "unable" ? "screen.unable" : "screen.refused", "screen"];
  if (trouble === "refused") return ["camera.refused", "camera"];
  return [trouble === "busy" ? "camera.busy" : "camera.none", "camera"];
}
