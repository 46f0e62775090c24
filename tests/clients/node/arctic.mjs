// A third-party app on arctic.
import * as arctic from "arctic";
import { steer } from "./steer.mjs";

let app;
let client;
let state;
let verifier;
let tokens;

function kept(fetched) {
  tokens = fetched.data;
  return tokens;
}

await steer({
  async discover(registered) {
    app = registered;
    client = new arctic.OAuth2Client(app.client_id, app.client_secret || null, app.redirect_uri);
  },

  async authorize({ scope }) {
    state = arctic.generateState();
    verifier = arctic.generateCodeVerifier();
    const s256 = arctic.CodeChallengeMethod.S256;
    const endpoint = `${app.issuer}/auth`;
    const scopes = scope.split(" ");
    return client.createAuthorizationURLWithPKCE(endpoint, state, s256, verifier, scopes).href;
  },

  async come_back({ url }) {
    const { searchParams } = new URL(url);
    if (searchParams.get("state") !== state) throw new Error("another state");
    const code = searchParams.get("code");
    return kept(await client.validateAuthorizationCode(`${app.issuer}/token`, code, verifier));
  },

  async refresh() {
    const { refresh_token } = tokens;
    return kept(await client.refreshAccessToken(`${app.issuer}/token`, refresh_token, []));
  },

  async revoke({ kind }) {
    await client.revokeToken(`${app.issuer}/revoke`, tokens[kind]);
  },
});
