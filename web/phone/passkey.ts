/** The passkey ceremonies, with the browsers' many errors brought down to four. */

import {
  browserSupportsWebAuthn,
  startAuthentication,
  startRegistration,
  WebAuthnAbortService,
  type AuthenticationResponseJSON,
  type PublicKeyCredentialCreationOptionsJSON,
  type PublicKeyCredentialRequestOptionsJSON,
  type RegistrationResponseJSON,
} from "@simplewebauthn/browser";

export type PasskeyTrouble =
  /** The person closed the browser's window, let it time out, or has no such passkey: browsers do not tell which. */
  | "declined"
  /** The browser or the device has no passkeys that check the person. */
  | "unable"
  /** The device holds a passkey that the server does not want doubled. */
  | "exists";

export class PasskeyNotUsed extends Error {
  readonly trouble: PasskeyTrouble;

  constructor(trouble: PasskeyTrouble, cause?: unknown) {
    super(`passkey: ${trouble}`, { cause });
    this.trouble = trouble;
  }
}

export function createPasskey(options: PublicKeyCredentialCreationOptionsJSON): Promise<RegistrationResponseJSON> {
  return ceremony(() => startRegistration({ optionsJSON: options }));
}

export function usePasskey(options: PublicKeyCredentialRequestOptionsJSON): Promise<AuthenticationResponseJSON> {
  return ceremony(() => startAuthentication({ optionsJSON: options }));
}

/** Closes the browser's passkey window, where the request behind it has ended. */
export function stopPasskey(): void {
  WebAuthnAbortService.cancelCeremony();
}

async function ceremony<Answer>(start: () => Promise<Answer>): Promise<Answer> {
  if (!browserSupportsWebAuthn()) throw new PasskeyNotUsed("unable");
  try {
    return await start();
  } catch (cause) {
    throw new PasskeyNotUsed(trouble(cause), cause);
  }
}

function trouble(cause: unknown): PasskeyTrouble {
  switch (cause instanceof Error ? cause.name : "") {
    case "InvalidStateError":
      return "exists";
    case "NotSupportedError":
    case "ConstraintError":
    case "SecurityError":
      return "unable";
    default:
      return "declined";
  }
}
