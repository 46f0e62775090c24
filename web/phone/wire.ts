/** The answers of the phone API, in the names they have on the wire. */

import type {
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
} from "@simplewebauthn/browser";
import type { Detail } from "./details.ts";

export interface Person {
  readonly id: string;
  readonly name: string;
}

export interface Client {
  readonly client_id: string;
  readonly name: string;
  readonly legal_name: string;
  readonly verified: boolean;
}

export interface Account {
  readonly resourceId: string;
  readonly iban: string;
  readonly name: string;
  readonly currency: string;
}

export interface AccountWithBalance extends Account {
  readonly product: string;
  readonly ownerName: string;
  readonly balance: { readonly amount: string; readonly currency: string };
}

/** Where a journey stands; the phone moves it up to `review`, the last six are final or after it. */
export type State =
  | "waiting"
  | "claimed"
  | "matched"
  | "review"
  | "approved"
  | "redirected"
  | "rejected"
  | "cancelled"
  | "killed"
  | "expired";

export interface People {
  readonly people: readonly { readonly id: string; readonly name: string; readonly accounts: number }[];
}

export interface Enrolment {
  readonly code: string;
}

export interface EnrolOptions {
  readonly person: Person;
  readonly options: PublicKeyCredentialCreationOptionsJSON;
}

export interface SignInOptions {
  readonly options: PublicKeyCredentialRequestOptionsJSON;
}

export interface SignedIn {
  readonly phone_id: string;
  readonly person: Person;
  readonly session: string;
  /** Seconds. */
  readonly expires_in: number;
  /** Where it is set, the phone may do nothing yet. */
  readonly pending?: Pending | null;
}

/** A new phone waits until `lapses_at` for its digits, or until `usable_from` for its time. */
export interface Pending {
  readonly digits: string;
  readonly lapses_at: string | null;
  readonly usable_from: string | null;
}

export interface ListedPhone {
  readonly phone_id: string;
  readonly name: string;
  readonly state: "pending" | "waiting" | "usable";
  readonly this: boolean;
  readonly enrolled_at: string;
  readonly signed_in_at: string | null;
  readonly lapses_at: string | null;
  readonly usable_from: string | null;
}

export interface Phones {
  readonly phones: readonly ListedPhone[];
}

/** How safe the bank thinks this is. */
export interface Hint {
  readonly level: "green" | "amber";
  readonly reasons: readonly string[];
  readonly place: string | null;
  readonly distance_km: number | null;
  /** Seconds before an approval counts. */
  readonly wait: number;
}

export interface Claimed {
  readonly journey: string;
  readonly state: State;
  readonly client: Client;
  readonly way: "qr" | "link" | "short_code" | "near" | "asked";
  /** The page shows a number that must be typed here. */
  readonly asks_number: boolean;
  /** Whether a payment is asked, and not to see accounts. Which one is told after the number. */
  readonly asks_payment: boolean;
  /** A device waits for the answer, which must be in front of the person. */
  readonly for_device: boolean;
  readonly hint: Hint;
  readonly started: { readonly seconds_ago: number; readonly browser: string };
  readonly expires_in: number;
  /** The words that the client shows too, where it asks by itself. */
  readonly binding_message: string | null;
}

/** What a client asks this person by itself, and no phone took yet. */
export interface Asked {
  readonly journey: string;
  readonly client: Client;
  readonly binding_message: string;
}

/** The connection that a request would change, as it is now. A merge keeps what it has. */
export interface Changed {
  readonly grant_id: string;
  readonly how: "merge" | "replace";
  readonly revision: number;
  readonly scope: readonly string[];
  readonly accounts: readonly Account[];
  readonly created_at: string;
  readonly valid_until: string;
}

export interface Matched {
  readonly journey: string;
  readonly scope: readonly string[];
  readonly recurring: boolean;
  readonly valid_until: string;
  readonly accounts: readonly AccountWithBalance[];
  readonly changes?: Changed | null;
  readonly authorization_details: readonly Detail[];
}

export interface Review {
  readonly journey: string;
  readonly document: string;
  readonly options: PublicKeyCredentialRequestOptionsJSON;
}

/** The journeys that this phone holds and has not decided, and those that it may take. */
export interface Journeys {
  readonly journeys: readonly Claimed[];
  readonly asked: readonly Asked[];
}

/** Where a journey stands now. */
export interface Moved {
  readonly journey: string;
  readonly state: State;
  /** Why it was stopped, where that is so. */
  readonly reason: string | null;
  /** After an approval by link: to be opened in this browser, and only then the person gets on. */
  readonly return_url: string | null;
}

export interface Connection {
  readonly grant_id: string;
  readonly client: Client;
  readonly scope: readonly string[];
  readonly accounts: readonly Account[];
  /** Accounts that were taken away. */
  readonly removed: readonly Account[];
  readonly created_at: string;
  readonly last_used_at: string | null;
  readonly valid_until: string;
  readonly ended_at: string | null;
  readonly ended_by: By | null;
  /** Until when it would last if it were renewed now. */
  readonly renewable_until: string | null;
  readonly can_narrow: boolean;
  readonly authorization_details: readonly Detail[];
}

/** Who caused something; `misuse` is the server, where somebody else may have had a secret. */
export type By = "phone" | "client" | "bank" | "misuse";

export interface Renewal {
  readonly grant_id: string;
  readonly document: string;
  readonly options: PublicKeyCredentialRequestOptionsJSON;
  /** Goes back unread. */
  readonly renewal: string;
}

export interface Notice {
  readonly id: string;
  readonly at: string;
  readonly kind: string;
  readonly by: By;
  readonly unread: boolean;
  readonly phone_id: string | null;
  readonly phone_name: string | null;
  readonly grant_id: string | null;
  readonly client_name: string | null;
}

export interface Notices {
  readonly notices: readonly Notice[];
}

export interface Connections {
  readonly connections: readonly Connection[];
}
