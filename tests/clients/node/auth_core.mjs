// A third-party app on @auth/core, called with the requests that a browser would send.
import { Auth, skipCSRFCheck } from "@auth/core";
import { steer } from "./steer.mjs";

let app;
let config;
let cookies;
let tokens;
let who; // what the app was told of the person

async function ask(path, init) {
  const headers = { Cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; ") };
  const answer = await Auth(new Request(new URL(path, app.base), { ...init, headers }), config);
  for (const line of answer.headers.getSetCookie()) {
    const [name, value] = line.split(";")[0].split(/=(.*)/s);
    cookies.set(name, value);
  }
  return answer;
}

await steer({
  async discover(registered) {
    app = { ...registered, base: new URL(registered.redirect_uri).origin };
    cookies = new Map();
    config = {
      basePath: "/auth",
      secret: "a secret of the app that is long enough for its cookies",
      trustHost: true,
      skipCSRFCheck,
      logger: { error: (error) => (config.thrown = error), warn() {}, debug() {} },
      callbacks: {
        jwt: ({ token, account, profile }) => {
          if (account) [tokens, who] = [account, profile];
          return token;
        },
      },
      providers: [
        {
          id: "bank",
          name: "Bank",
          type: "oidc",
          issuer: app.issuer,
          clientId: app.client_id,
          clientSecret: app.client_secret,
          checks: ["pkce", "state", "nonce"],
          authorization: { params: { scope: app.scope } },
          client: app.client ?? {},
          // false has it ask the UserInfo endpoint, which alone knows a name
          idToken: app.id_token ?? true,
        },
      ],
    };
  },

  async authorize() {
    const answer = await ask("/auth/signin/bank", { method: "POST" });
    return answer.headers.get("Location");
  },

  async come_back({ url }) {
    const { pathname, search } = new URL(url);
    const answer = await ask(pathname + search, { method: "GET" });
    const location = answer.headers.get("Location");
    if (!tokens) throw config.thrown?.cause?.err ?? config.thrown ?? new Error(location);
    return { tokens, who, location, signed_in: [...cookies.keys()].some((it) => it.includes("session")) };
  },
});
