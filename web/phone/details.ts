/** What exactly is asked, beyond the scope (RFC 9396): read strictly, for a person signs what is shown of it. */

export interface Information {
  readonly type: "account_information";
  readonly dateFrom?: string;
  readonly dateTo?: string;
  readonly accountsAtLeast?: number;
  readonly accountsAtMost?: number;
}

export interface Payment {
  readonly type: "payment_initiation";
  readonly instructedAmount: { readonly currency: string; readonly amount: string };
  readonly creditorName: string;
  readonly creditorAccount: { readonly iban: string };
  readonly remittanceInformationUnstructured?: string;
  readonly debtorAccount?: { readonly iban: string };
}

export type Detail = Information | Payment;
type Fields = Record<string, unknown>;

// A member or a word that this app does not know could say what it does not show.
const MEMBERS: Readonly<Record<string, readonly string[]>> = {
  account_information: ["type", "locations", "actions", "dateFrom", "dateTo", "accountsAtLeast", "accountsAtMost"],
  payment_initiation: [
    ...["type", "locations", "instructedAmount", "creditorName", "creditorAccount"],
    ...["remittanceInformationUnstructured", "debtorAccount"],
  ],
};
const ACTIONS: readonly string[] = ["list_accounts", "read_balances", "read_transactions"];
const AMOUNT = /^(0|[1-9][0-9]{0,8})(\.[0-9]{1,2})?$/;
const IBAN = /^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$/;
const DAY = /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/;
// Characters that cannot be seen, or turn the direction of the text around.
const DECEPTIVE = /[\p{C}\p{Zl}\p{Zp}]/u;

/** Whether a value is a list of at most one detail that this app can show whole. */
export function areDetails(value: unknown): value is readonly Detail[] {
  return Array.isArray(value) && value.length <= 1 && value.every(isDetail);
}

export function paymentOf(details: readonly Detail[]): Payment | undefined {
  return details.find((one): one is Payment => one.type === "payment_initiation");
}

export function informationOf(details: readonly Detail[]): Information | undefined {
  return details.find((one): one is Information => one.type === "account_information");
}

/** How many accounts must be chosen, and may be. */
export function accountsNeeded(details: readonly Detail[]): { readonly least: number; readonly most: number } {
  if (paymentOf(details)) return { least: 1, most: 1 };
  const asked = informationOf(details);
  return { least: asked?.accountsAtLeast ?? 1, most: asked?.accountsAtMost ?? Infinity };
}

function isDetail(value: unknown): value is Detail {
  if (typeof value !== "object" || value === null) return false;
  const fields = value as Fields;
  const type = fields["type"];
  const known = typeof type === "string" && Object.hasOwn(MEMBERS, type) ? MEMBERS[type] : undefined;
  if (known === undefined || !Object.keys(fields).every((name) => known.includes(name))) return false;
  return type === "payment_initiation" ? isPayment(fields) : isInformation(fields);
}

function isPayment(fields: Fields): boolean {
  const { instructedAmount: money, creditorAccount: to, debtorAccount: from } = fields;
  return (
    isObject(money, ["amount", "currency"]) &&
    isText(money["amount"], AMOUNT) &&
    money["currency"] === "EUR" &&
    isText(fields["creditorName"], /^.{1,70}$/u) &&
    isAccount(to) &&
    (from === undefined || isAccount(from)) &&
    isText(fields["remittanceInformationUnstructured"] ?? "", /^.{0,140}$/u)
  );
}

function isInformation(fields: Fields): boolean {
  const { actions, dateFrom, dateTo, accountsAtLeast, accountsAtMost } = fields;
  return (
    Array.isArray(actions) &&
    actions.length > 0 &&
    actions.every((one) => ACTIONS.includes(one as string)) &&
    [dateFrom, dateTo].every((day) => day === undefined || isText(day, DAY)) &&
    [accountsAtLeast, accountsAtMost].every((count) => count === undefined || Number.isInteger(count))
  );
}

function isAccount(value: unknown): boolean {
  return isObject(value, ["iban"]) && isText(value["iban"], IBAN);
}

function isObject(value: unknown, members: readonly string[]): value is Fields {
  if (typeof value !== "object" || value === null) return false;
  return Object.keys(value).sort().join() === members.join();
}

function isText(value: unknown, form: RegExp): boolean {
  return typeof value === "string" && form.test(value) && !DECEPTIVE.test(value);
}
