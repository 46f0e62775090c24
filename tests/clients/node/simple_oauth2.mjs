// A third-party app on simple-oauth2.
import { randomBytes } from "node:crypto";
import { AuthorizationCode } from "simple-oauth2";
import { steer } from "./steer.mjs";

let app;
let client;
let state;
let token;

await steer({
  async discover(registered) {
    app = registered;
    client = new AuthorizationCode({
      client: { id: app.client_id, secret: app.client_secret },
      auth: {
        tokenHost: app.issuer,
        tokenPath: "/token",
        authorizePath: "/auth",
        revokePath: "/revoke",
      },
      options: { authorizationMethod: app.method === "client_secret_post" ? "body" : "header" },
    });
  },

  async authorize({ scope }) {
    state = randomBytes(16).toString("hex");
    return client.authorizeURL({ redirect_uri: app.redirect_uri, scope, state });
  },

  async come_back({ url }) {
    const { searchParams } = new URL(url);
    if (searchParams.get("state") !== state) throw new Error("another state");
    const redirect_uri = app.redirect_uri;
    token = await client.getToken({ code: searchParams.get("code"), redirect_uri });
    return token.token;
  },

  async refresh() {
    token = await token.refresh();
    return token.token;
  },

  async revoke({ kind }) {
    await token.revoke(kind);
  },
});
