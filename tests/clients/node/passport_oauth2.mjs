// A third-party app on passport-oauth2, whose strategy is called as Express would call it.
import OAuth2Strategy from "passport-oauth2";
import { steer } from "./steer.mjs";

let strategy;
let session;
let scope;

function authenticated(query) {
  return new Promise((resolve, reject) => {
    const ours = Object.create(strategy);
    Object.assign(ours, {
      redirect: (url) => resolve({ redirect: url }),
      success: (user) => resolve({ user }),
      fail: (challenge) => reject(Object.assign(new Error(challenge?.message), challenge)),
      error: (error) => reject(Object.assign(error, { error: error.code })),
    });
    ours.authenticate({ query, session, headers: {} }, { scope });
  });
}

await steer({
  async discover(app) {
    session = {};
    const options = {
      authorizationURL: `${app.issuer}/auth`,
      tokenURL: `${app.issuer}/token`,
      clientID: app.client_id,
      clientSecret: app.client_secret,
      callbackURL: app.redirect_uri,
      state: true,
      pkce: "S256",
    };
    strategy = new OAuth2Strategy(options, (access_token, refresh_token, params, _profile, done) =>
      done(null, { ...params, access_token, refresh_token }),
    );
    strategy._skipUserProfile = true;
  },

  async authorize(asked) {
    scope = asked.scope;
    return (await authenticated({})).redirect;
  },

  async come_back({ url }) {
    return (await authenticated(Object.fromEntries(new URL(url).searchParams))).user;
  },
});
