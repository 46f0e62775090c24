// A third-party app on oauth4webapi with all that it can do: it holds a key, pushes its request,
// proves its tokens, and reads signed answers.
import * as oauth from "oauth4webapi";
import { importJWK } from "jose";
import { steer } from "./steer.mjs";

const plainHttp = { [oauth.allowInsecureRequests]: true };

let app;
let as;
let client;
let auth;
let key;
let proof;
let checks;
let callback;
let tokens;

function proven(options = {}) {
  return proof ? { ...plainHttp, ...options, DPoP: proof } : { ...plainHttp, ...options };
}

async function again(call) {
  try {
    return await call();
  } catch (error) {
    if (!oauth.isDPoPNonceError(error)) throw error;
    return call();
  }
}

await steer({
  async discover(registered) {
    app = registered;
    const issuer = new URL(app.issuer);
    const answer = await oauth.discoveryRequest(issuer, { ...plainHttp, algorithm: "oauth2" });
    as = await oauth.processDiscoveryResponse(issuer, answer);
    client = { client_id: app.client_id, ...app.client };
    key = { key: await importJWK(app.jwk, "ES256"), kid: app.jwk.kid };
    // FAPI 2.0: the audience is the issuer as a text, which this client sends by itself.
    auth = oauth.PrivateKeyJwt(key);
    proof = app.dpop ? oauth.DPoP(client, await oauth.generateKeyPair("ES256")) : undefined;
    return as;
  },

  async authorize({ scope, more = {} }) {
    checks = { verifier: oauth.generateRandomCodeVerifier(), state: oauth.generateRandomState() };
    let parameters = new URLSearchParams({
      client_id: app.client_id,
      response_type: "code",
      redirect_uri: app.redirect_uri,
      scope,
      state: checks.state,
      code_challenge: await oauth.calculatePKCECodeChallenge(checks.verifier),
      code_challenge_method: "S256",
      ...more,
    });
    if (app.signs_requests) {
      const request = await oauth.issueRequestObject(as, client, parameters, key);
      parameters = new URLSearchParams({ client_id: app.client_id, request });
    }
    const pushed = await again(async () => {
      const options = proven();
      const answer = await oauth.pushedAuthorizationRequest(as, client, auth, parameters, options);
      return oauth.processPushedAuthorizationResponse(as, client, answer);
    });
    const url = new URL(as.authorization_endpoint);
    url.searchParams.set("client_id", app.client_id);
    url.searchParams.set("request_uri", pushed.request_uri);
    return url.href;
  },

  async come_back({ url }) {
    const jarm = new URL(url).searchParams.has("response");
    const validate = jarm ? oauth.validateJwtAuthResponse : oauth.validateAuthResponse;
    callback = await validate(as, client, new URL(url), checks.state, ...(jarm ? [plainHttp] : []));
    tokens = await again(async () => {
      const answer = await oauth.authorizationCodeGrantRequest(
        as,
        client,
        auth,
        callback,
        app.redirect_uri,
        checks.verifier,
        proven(),
      );
      return oauth.processAuthorizationCodeResponse(as, client, answer);
    });
    return tokens;
  },

  async accounts() {
    const url = new URL("/v1/accounts", as.issuer);
    const headers = new Headers();
    const token = tokens.access_token;
    const answer = await again(() =>
      oauth.protectedResourceRequest(token, "GET", url, headers, null, proven()),
    );
    return { status: answer.status, body: await answer.json() };
  },

  async refresh() {
    tokens = await again(async () => {
      const given = tokens.refresh_token;
      const answer = await oauth.refreshTokenGrantRequest(as, client, auth, given, proven());
      const fresh = await oauth.processRefreshTokenResponse(as, client, answer);
      return { refresh_token: given, ...fresh };
    });
    return tokens;
  },

  async introspect({ kind = "access_token", signed = false }) {
    const options = { ...plainHttp, requestJwtResponse: signed };
    const answer = await oauth.introspectionRequest(as, client, auth, tokens[kind], options);
    return oauth.processIntrospectionResponse(as, client, answer);
  },

  async revoke({ kind }) {
    const answer = await oauth.revocationRequest(as, client, auth, tokens[kind], plainHttp);
    return oauth.processRevocationResponse(answer);
  },

  async backchannel({ parameters }) {
    const asked = new URLSearchParams(parameters);
    const answer = await oauth.backchannelAuthenticationRequest(as, client, auth, asked, plainHttp);
    return oauth.processBackchannelAuthenticationResponse(as, client, answer);
  },

  async poll({ auth_req_id }) {
    tokens = await again(async () => {
      const answer = await oauth.backchannelAuthenticationGrantRequest(
        as,
        client,
        auth,
        auth_req_id,
        proven(),
      );
      return oauth.processBackchannelAuthenticationGrantResponse(as, client, answer);
    });
    return tokens;
  },
});
