/** The consent document: what the person signs, read and checked before anything of it is shown. */

import { base64url, concat, sha256, utf8 } from "./bytes.ts";
import { areDetails, type Detail } from "./details.ts";
import type { Account, Changed, Client } from "./wire.ts";

export interface Consent {
  readonly issuer: string;
  readonly person: string;
  readonly device: string;
  readonly client: Client;
  readonly scope: readonly string[];
  readonly recurring: boolean;
  readonly accounts: readonly Account[];
  readonly valid_until: string;
  /** The connection that it changes, as the phone was told of it. */
  readonly changes?: Changed | undefined;
  readonly authorization_details: readonly Detail[];
}

/** What this phone knows by itself, and the document must agree with. */
export interface Expected {
  readonly challenge: string;
  readonly issuer: string;
  readonly person: string;
  readonly device: string;
  readonly client: Client;
  readonly accounts: readonly string[];
  readonly scope: readonly string[];
  readonly recurring: boolean;
  /** What exactly was shown: a payment, or which days. */
  readonly details: readonly Detail[];
  /** Its end: the one that was shown, or in a renewal any later than the one before. */
  readonly validUntil: string | { readonly after: string };
  /** The language that this phone shows all this in; a renewal keeps that of the document before. */
  readonly locale?: string;
  /** The connection that is renewed, where one is. */
  readonly renews?: string;
  /** The words that the client shows too, where it asked by itself. */
  readonly message?: string;
  /** The connection that is merged into or replaced, where one is. */
  readonly changes?: Changed | undefined;
}

/** The document is not what this phone was asked to sign; `part` says where. */
export class WrongDocument extends Error {
  readonly part: string;

  constructor(part: string) {
    super(`The document differs in: ${part}`);
    this.part = part;
  }
}

const TYPE = "endorse-consent-v1";
// A member that this app does not know could say what it does not show.
const MEMBERS: readonly string[] = [
  ...["accounts", "authorization_details", "client", "device", "issuer", "locale", "merges", "message", "nonce"],
  ...["person", "recurring", "renews", "replaces", "request", "revision", "scope", "texts", "type", "valid_until"],
];
export const KNOWN_SCOPE: readonly string[] = ["openid", "profile", "accounts", "balances", "transactions", "offline_access"];
// Control characters, and those that turn the direction of the text around.
const DECEPTIVE = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;

/** SHA-256("endorse-consent-v1" || 0x00 || document), base64url: the passkey signs this. */
export async function consentChallenge(document: string): Promise<string> {
  return base64url(await sha256(concat(utf8(TYPE), new Uint8Array(1), utf8(document))));
}

/** Reads a document; throws `WrongDocument` unless it says exactly what is expected. */
export async function readConsent(document: string, expected: Expected): Promise<Consent> {
  if ((await consentChallenge(document)) !== expected.challenge) throw new WrongDocument("challenge");
  const { consent, fields } = parse(document);
  check(expected.locale === undefined || fields["locale"] === expected.locale, "locale");
  check(fields["renews"] === expected.renews, "renews");
  check(fields["message"] === expected.message, "message");
  checkChange(fields, expected.changes);
  check(consent.issuer === expected.issuer, "issuer");
  check(consent.person === expected.person, "person");
  check(consent.device === expected.device, "device");
  check(canonical(consent.client) === canonical(sameClient(expected.client)), "client");
  check(
    sameSet(
      consent.accounts.map((account) => account.resourceId),
      [...new Set([...expected.accounts, ...kept(expected.changes)])],
    ),
    "accounts",
  );
  check(consent.accounts.length > 0, "accounts");
  check(sameSet(consent.scope, expected.scope), "scope");
  check(consent.recurring === expected.recurring, "recurring");
  check(canonical(consent.authorization_details) === canonical(expected.details), "authorization_details");
  check(isEnd(consent.valid_until, expected.validUntil), "valid_until");
  // A word this app cannot put plainly must not be signed with it.
  check(
    consent.scope.every((word) => KNOWN_SCOPE.includes(word)),
    "scope",
  );
  return { ...consent, changes: expected.changes };
}

/** The accounts that stay without being chosen: those of a connection that is merged into. */
export function kept(changes: Changed | undefined): readonly string[] {
  return changes?.how === "merge" ? changes.accounts.map((account) => account.resourceId) : [];
}

// It names that very connection, as what it becomes, and its place after all that was signed for it.
function checkChange(fields: Fields, changes: Changed | undefined): void {
  check(changes === undefined || changes.how === "merge" || changes.how === "replace", "changes");
  check(fields["merges"] === (changes?.how === "merge" ? changes.grant_id : undefined), "merges");
  check(fields["replaces"] === (changes?.how === "replace" ? changes.grant_id : undefined), "replaces");
  check(fields["revision"] === (changes ? changes.revision + 1 : undefined), "revision");
}

function isEnd(said: string, expected: Expected["validUntil"]): boolean {
  const end = Date.parse(said);
  if (Number.isNaN(end)) return false;
  return typeof expected === "string" ? said === expected : end > Date.parse(expected.after);
}

function parse(document: string): { readonly consent: Consent; readonly fields: Fields } {
  let whole: unknown;
  try {
    whole = JSON.parse(document);
  } catch {
    throw new WrongDocument("form");
  }
  // A document that is not its own canonical form could say one thing twice.
  check(canonical(whole) === document, "form");
  const fields = object(whole, "form");
  check(fields["type"] === TYPE, "type");
  check(
    Object.keys(fields).every((name) => MEMBERS.includes(name)),
    "members",
  );
  const consent = {
    issuer: text(fields, "issuer"),
    person: text(fields, "person"),
    device: text(fields, "device"),
    client: client(object(fields["client"], "client")),
    scope: list(fields["scope"], "scope").map((word) => string(word, "scope")),
    recurring: boolean(fields, "recurring"),
    accounts: list(fields["accounts"], "accounts").map((one) => account(object(one, "accounts"))),
    valid_until: text(fields, "valid_until"),
    authorization_details: details(fields["authorization_details"] ?? []),
  };
  return { consent, fields };
}

/** Only what a document says of a client: an answer of the server may tell more. */
function sameClient({ client_id, name, legal_name, verified }: Client): Client {
  return { client_id, name, legal_name, verified };
}

function client(fields: Fields): Client {
  return {
    client_id: text(fields, "client_id"),
    name: text(fields, "name"),
    legal_name: text(fields, "legal_name"),
    verified: boolean(fields, "verified"),
  };
}

function details(value: unknown): readonly Detail[] {
  check(areDetails(value), "authorization_details");
  return value as readonly Detail[];
}

function account(fields: Fields): Account {
  return {
    resourceId: text(fields, "resourceId"),
    iban: text(fields, "iban"),
    name: text(fields, "name"),
    currency: text(fields, "currency"),
  };
}

/** The one form in which a value is written (RFC 8785 3.2); the document holds no fractions. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const fields = value as Fields;
  // The default order compares UTF-16 code units, as RFC 8785 3.2.3 wants.
  const members = Object.keys(fields).sort();
  return `{${members.map((name) => `${JSON.stringify(name)}:${canonical(fields[name])}`).join(",")}}`;
}

type Fields = Record<string, unknown>;

function check(holds: boolean, part: string): void {
  if (!holds) throw new WrongDocument(part);
}

function object(value: unknown, part: string): Fields {
  check(typeof value === "object" && value !== null && !Array.isArray(value), part);
  return value as Fields;
}

function list(value: unknown, part: string): unknown[] {
  check(Array.isArray(value), part);
  return value as unknown[];
}

function string(value: unknown, part: string): string {
  check(typeof value === "string" && !DECEPTIVE.test(value), part);
  return value as string;
}

function text(fields: Fields, name: string): string {
  return string(fields[name], name);
}

function boolean(fields: Fields, name: string): boolean {
  check(typeof fields[name] === "boolean", name);
  return fields[name] as boolean;
}

function sameSet(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && new Set(left).size === left.length && left.every((one) => right.includes(one));
}
