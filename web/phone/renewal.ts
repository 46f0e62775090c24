/** Making a connection last longer: the document says the same as before, and a later end. */

import type { App } from "./app.ts";
import { readConsent, WrongDocument, type Consent } from "./consent.ts";
import { usePasskey } from "./passkey.ts";
import { thumbprint } from "./proof.ts";
import type { Connection, Renewal } from "./wire.ts";

/** A renewal that was read and checked, and waits for the passkey. */
export interface Offer {
  readonly renewal: Renewal;
  readonly consent: Consent;
}

/** What this phone knows of itself. */
export interface Own {
  readonly issuer: string;
  readonly person: string;
  readonly device: string;
}

/** Reads a renewal; throws `WrongDocument` unless it gives what the connection gives, for longer. */
export async function readRenewal(renewal: Renewal, connection: Connection, own: Own): Promise<Consent> {
  const { document, options, grant_id: about } = renewal;
  if (about !== connection.grant_id) throw new WrongDocument("renews");
  if (options.rpId !== new URL(own.issuer).hostname) throw new WrongDocument("issuer");
  return readConsent(document, {
    ...own,
    challenge: options.challenge,
    client: connection.client,
    accounts: connection.accounts.map((account) => account.resourceId),
    scope: connection.scope,
    recurring: true,
    details: connection.authorization_details,
    validUntil: { after: connection.valid_until },
    renews: connection.grant_id,
  });
}

export async function askRenewal(app: App, connection: Connection): Promise<Offer> {
  const { phone, config } = app;
  if (!phone) throw new WrongDocument("device");
  const path = `/phone/connections/${encodeURIComponent(connection.grant_id)}/renew`;
  const renewal = await app.api.call<Renewal>("POST", path, { signedIn: true });
  const own = { issuer: config.issuer, person: phone.personId, device: await thumbprint(phone.key.jwk) };
  return { renewal, consent: await readRenewal(renewal, connection, own) };
}

/** Signs it with the passkey; gives the connection as it is from now on. */
export async function signRenewal(app: App, { renewal }: Offer): Promise<Connection> {
  const credential = await usePasskey(renewal.options);
  const path = `/phone/connections/${encodeURIComponent(renewal.grant_id)}/renew/approve`;
  const body = { renewal: renewal.renewal, document: renewal.document, credential };
  return app.api.call<Connection>("POST", path, { body, signedIn: true });
}
