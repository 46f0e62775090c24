// A third-party app on openid-client: plain with a secret, or strict with a key.
import { importJWK } from "jose";
import * as client from "openid-client";
import { steer } from "./steer.mjs";

const METHODS = {
  client_secret_basic: () => client.ClientSecretBasic(app.client_secret),
  client_secret_post: () => client.ClientSecretPost(app.client_secret),
  none: () => client.None(),
  private_key_jwt: () => client.PrivateKeyJwt(key),
};

let config; // the server, as discovered
let app; // how the app is registered
let key; // what it signs with
let proof; // what its tokens are bound to
let checks; // what the callback must match
let callback; // the callback that was accepted
let tokens;
let polled; // the tokens that a question on the phone will end in

const proven = () => (proof ? { DPoP: proof } : undefined);

await steer({
  async discover(registered) {
    app = registered;
    if (app.jwk) key = { key: await importJWK(app.jwk, "ES256"), kid: app.jwk.kid };
    config = await client.discovery(
      new URL(app.issuer),
      app.client_id,
      app.client,
      METHODS[app.method](),
      { algorithm: app.algorithm ?? "oauth2", execute: [client.allowInsecureRequests] },
    );
    if (app.jarm) client.useJwtResponseMode(config);
    if (app.dpop) proof = client.getDPoPHandle(config, await client.randomDPoPKeyPair("ES256"));
    return config.serverMetadata();
  },

  async authorize({ scope, more = {} }) {
    const pkceCodeVerifier = client.randomPKCECodeVerifier();
    checks = { pkceCodeVerifier, expectedState: client.randomState() };
    if (scope.split(" ").includes("openid")) {
      Object.assign(checks, { expectedNonce: client.randomNonce(), idTokenExpected: true });
      more = { nonce: checks.expectedNonce, ...more };
      if (more.max_age) checks.maxAge = Number(more.max_age);
    }
    let parameters = new URLSearchParams({
      redirect_uri: app.redirect_uri,
      scope,
      state: checks.expectedState,
      code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: "S256",
      ...more,
    });
    if (!app.jwk) return client.buildAuthorizationUrl(config, parameters).href;
    if (app.signs_requests) {
      const signed = await client.buildAuthorizationUrlWithJAR(config, parameters, key);
      parameters = signed.searchParams;
    }
    return (await client.buildAuthorizationUrlWithPAR(config, parameters, proven())).href;
  },

  async come_back({ url }) {
    const here = new URL(url);
    tokens = await client.authorizationCodeGrant(config, here, checks, undefined, proven());
    callback = url;
    return tokens;
  },

  async who() {
    const claims = tokens.claims();
    const told = await client.fetchUserInfo(config, tokens.access_token, claims.sub, proven());
    return { claims, told };
  },

  async replay() {
    return client.authorizationCodeGrant(config, new URL(callback), checks, undefined, proven());
  },

  async accounts() {
    const url = new URL("/v1/accounts", config.serverMetadata().issuer);
    const token = tokens.access_token;
    const none = [undefined, undefined];
    const answer = await client.fetchProtectedResource(config, token, url, "GET", ...none, proven());
    return { status: answer.status, body: await answer.json() };
  },

  async refresh() {
    const given = tokens.refresh_token;
    const fresh = await client.refreshTokenGrant(config, given, undefined, proven());
    tokens = Object.assign(fresh, { refresh_token: fresh.refresh_token ?? given });
    return tokens;
  },

  async introspect({ kind = "access_token" }) {
    return client.tokenIntrospection(config, tokens[kind]);
  },

  async revoke({ kind }) {
    await client.tokenRevocation(config, tokens[kind]);
  },

  async backchannel({ parameters }) {
    const asked = await client.initiateBackchannelAuthentication(config, parameters);
    // It waits for the interval that the server told, and then asks by itself.
    polled = client.pollBackchannelAuthenticationGrant(config, asked, undefined, proven());
    return asked;
  },

  async poll() {
    tokens = await polled;
    return tokens;
  },
});
