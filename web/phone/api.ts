/** Calls to the phone API: signed, in step with the server's clock, and signed in where they must be. */

import { randomText } from "./bytes.ts";
import { makeProof, type DeviceKey } from "./proof.ts";
import type { SignedIn, State } from "./wire.ts";

/** The server said no. */
export class Refused extends Error {
  readonly status: number;
  /** The stable name of the error. */
  readonly code: string;
  /** Where a journey stands, if that is why. */
  readonly state: State | undefined;
  /** The whole answer: some errors say more. */
  readonly fields: Readonly<Record<string, unknown>>;

  constructor(status: number, code: string, description: string, fields: Record<string, unknown> = {}) {
    super(`${status} ${code}: ${description}`);
    this.status = status;
    this.code = code;
    this.state = fields["state"] as State | undefined;
    this.fields = fields;
  }
}

/** No answer came. */
export class Unreachable extends Error {}

export interface Options {
  readonly body?: unknown;
  readonly signal?: AbortSignal;
  /** Whether the call needs the person to be signed in. */
  readonly signedIn?: boolean;
  /** Nobody asked for this call just now: never interrupt the person to sign in for it. */
  readonly background?: boolean;
  /** The answer is wanted as the text that came, byte for byte. */
  readonly asText?: boolean;
}

interface Session {
  readonly text: string;
  /** By `performance.now()`, which no clock change moves. */
  readonly until: number;
}

/** Seconds by which two looks at one clock may differ. A proof may be a minute old. */
const SAME_CLOCK = 20;

export class Api {
  readonly #issuer: string;
  readonly #fetch: typeof fetch;
  #key: DeviceKey | undefined;
  #session: Session | undefined;
  /** Server's clock minus this one, in seconds. */
  #offset = 0;
  #renewing: Promise<void> | undefined;
  /** Signs the person in again; rejects if they would not. */
  renew: () => Promise<void> = () => Promise.reject(new Refused(401, "sign_in_required", "not signed in"));

  constructor(issuer: string, send: typeof fetch = (input, init) => fetch(input, init)) {
    this.#issuer = issuer;
    this.#fetch = send;
  }

  /** From here on calls are this key's. A key has its own session, so the old one is dropped. */
  useKey(key: DeviceKey): void {
    this.#key = key;
    this.#session = undefined;
  }

  signedIn(answer: SignedIn): void {
    this.#session = { text: answer.session, until: performance.now() + answer.expires_in * 1000 };
  }

  signOut(): void {
    this.#session = undefined;
  }

  /** Whether the session will last for so many seconds more. */
  lasts(seconds: number): boolean {
    return this.#session !== undefined && performance.now() + seconds * 1000 < this.#session.until;
  }

  /** An unsigned call: only the sandbox's own routes take those. */
  plain<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
    return this.#send(method, path, body === undefined ? "" : JSON.stringify(body), new Headers());
  }

  async call<Answer>(method: string, path: string, options: Options = {}): Promise<Answer> {
    if (options.signedIn && !options.background && !this.lasts(0)) await this.#renewOnce();
    const used = this.#session;
    const offset = this.#offset;
    try {
      return await this.#signed<Answer>(method, path, options);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (error.code === "sign_in_required" && options.signedIn && !options.background) {
        // Another call may have renewed it while this one's refusal was on its way.
        if (this.#session === used) await this.#renewOnce();
      } else if (error.code !== "invalid_proof" || Math.abs(this.#offset - offset) <= SAME_CLOCK) {
        // Nobody has set the clock since this call was dated: another reason, or another try in vain.
        throw error;
      }
      return this.#signed<Answer>(method, path, options);
    }
  }

  #renewOnce(): Promise<void> {
    this.#renewing ??= this.renew().finally(() => (this.#renewing = undefined));
    return this.#renewing;
  }

  async #signed<Answer>(method: string, path: string, options: Options): Promise<Answer> {
    if (this.#key === undefined) throw new Refused(401, "sign_in_required", "no key");
    const body = options.body === undefined ? "" : JSON.stringify(options.body);
    const session = options.signedIn ? this.#session?.text : undefined;
    const proof = await makeProof(this.#key, {
      method,
      url: this.#issuer + path,
      body,
      session,
      at: Date.now() / 1000 + this.#offset,
      jti: randomText(16),
    });
    const headers = new Headers({ DPoP: proof });
    if (session !== undefined) headers.set("Authorization", `DPoP ${session}`);
    return this.#send(method, path, body, headers, options);
  }

  async #send<Answer>(
    method: string,
    path: string,
    body: string,
    headers: Headers,
    { signal, asText = false }: Options = {},
  ): Promise<Answer> {
    headers.set("Accept", "application/json");
    if (body !== "") headers.set("Content-Type", "application/json");
    const init: RequestInit = { method, headers, cache: "no-store", credentials: "omit", redirect: "error" };
    if (body !== "") init.body = body;
    if (signal) init.signal = signal;
    let answer: Response;
    let text: string;
    try {
      answer = await this.#fetch(path, init);
      text = await answer.text();
    } catch (cause) {
      if (signal?.aborted) throw cause;
      throw new Unreachable("no answer", { cause });
    }
    const fields = readFields(text);
    this.#setClock(fields["time"], answer);
    if (answer.ok) return (asText ? text : fields) as Answer;
    throw new Refused(answer.status, String(fields["error"] ?? ""), String(fields["error_description"] ?? ""), fields);
  }

  // Where a proof was refused and no `time` came, the Date header tells the time too.
  #setClock(time: unknown, answer: Response): void {
    if (typeof time !== "number" && answer.status !== 401) return;
    const told = typeof time === "number" ? time : Date.parse(answer.headers.get("Date") ?? "") / 1000;
    if (!Number.isFinite(told)) return;
    const offset = told - Date.now() / 1000;
    if (typeof time === "number" || Math.abs(offset - this.#offset) > SAME_CLOCK) this.#offset = offset;
  }
}

function readFields(text: string): Record<string, unknown> {
  try {
    const fields: unknown = JSON.parse(text);
    return typeof fields === "object" && fields !== null ? (fields as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
