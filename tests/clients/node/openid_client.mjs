// A third-party app on openid-client.
import * as client from "openid-client";
import { steer } from "./steer.mjs";

const METHODS = {
  client_secret_basic: client.ClientSecretBasic,
  client_secret_post: client.ClientSecretPost,
  none: client.None,
};

let config; // the server, as discovered
let app; // how the app is registered
let checks; // what the callback must match
let callback; // the callback that was accepted
let tokens;

await steer({
  async discover(registered) {
    app = registered;
    config = await client.discovery(
      new URL(app.issuer),
      app.client_id,
      undefined,
      METHODS[app.method](app.client_secret),
      { algorithm: "oauth2", execute: [client.allowInsecureRequests] },
    );
    return config.serverMetadata();
  },

  async authorize({ scope }) {
    const pkceCodeVerifier = client.randomPKCECodeVerifier();
    checks = { pkceCodeVerifier, expectedState: client.randomState() };
    return client.buildAuthorizationUrl(config, {
      redirect_uri: app.redirect_uri,
      scope,
      state: checks.expectedState,
      code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: "S256",
    }).href;
  },

  async come_back({ url }) {
    tokens = await client.authorizationCodeGrant(config, new URL(url), checks);
    callback = url;
    return tokens;
  },

  async replay() {
    return client.authorizationCodeGrant(config, new URL(callback), checks);
  },

  async accounts() {
    const url = new URL("/v1/accounts", config.serverMetadata().issuer);
    const response = await client.fetchProtectedResource(config, tokens.access_token, url, "GET");
    return { status: response.status, body: await response.json() };
  },

  async refresh() {
    tokens = await client.refreshTokenGrant(config, tokens.refresh_token);
    return tokens;
  },

  async revoke({ kind }) {
    await client.tokenRevocation(config, tokens[kind]);
    return null;
  },
});
