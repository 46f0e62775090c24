// oidc-provider with its in-memory store: `node server.mjs PORT CLIENT_ID SECRET CALLBACK [PASSKEY]`.
// The pages for sign-in and consent are as small as can be. No password is checked; with PASSKEY, the
// public key of everybody's passkey as COSE in base64url, people sign in with that.

import { generateKeyPairSync, randomBytes } from 'node:crypto'

import { verifyAuthenticationResponse } from '@simplewebauthn/server'
import Provider from 'oidc-provider'
import MemoryAdapter from 'oidc-provider/lib/adapters/memory_adapter.js'
import LRU from 'oidc-provider/lib/helpers/lru.js'

const [port, clientId, secret, callback, passkey] = process.argv.slice(2)
const publicKey = passkey && new Uint8Array(Buffer.from(passkey, 'base64url'))
const challenges = new Map()

// Its own store keeps a thousand rows and forgets older ones; here it has room for all.
const roomy = new LRU({ maxSize: 4_000_000 })
class Adapter extends MemoryAdapter {
  constructor(model) {
    super(model, roomy)
  }
}

const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })
const provider = new Provider(`http://127.0.0.1:${port}`, {
  adapter: Adapter,
  clients: [{
    client_id: clientId,
    client_secret: secret,
    redirect_uris: [callback],
    response_types: ['code'],
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    token_endpoint_auth_method: 'client_secret_basic',
    id_token_signed_response_alg: 'ES256',
    scope: 'openid offline_access accounts directory',
  }],
  scopes: ['openid', 'offline_access', 'accounts', 'directory'],
  cookies: { keys: [randomBytes(32).toString('hex')] },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    introspection: { enabled: true },
  },
  findAccount: async (_ctx, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
  interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
  jwks: { keys: [{ ...key, alg: 'ES256', use: 'sig' }] },
  pkce: { required: () => true },
  // As Endorse does: each refresh gives a new refresh token, and the old one is used up.
  rotateRefreshToken: true,
  ttl: {
    AccessToken: 300,
    AuthorizationCode: 60,
    ClientCredentials: 300,
    Grant: 90 * 86400,
    IdToken: 300,
    Interaction: 600,
    RefreshToken: 90 * 86400,
    Session: 3600,
  },
})

const form = (fields) => `<!doctype html><meta charset="utf-8"><title>Bank</title>
<form method="post">${fields}<button>Continue</button></form>`

async function read(request) {
  let body = ''
  for await (const chunk of request) body += chunk
  return new URLSearchParams(body)
}

function signInPage(uid) {
  if (!passkey) return form('Name <input name="name"> Password <input name="password" type="password">')
  const challenge = randomBytes(32).toString('base64url')
  challenges.set(uid, challenge)
  return form(`Name <input name="name"> <input type="hidden" name="challenge" value="${challenge}">`)
}

async function signedIn(uid, body) {
  if (!passkey) return
  const response = JSON.parse(body.get('passkey'))
  const { verified } = await verifyAuthenticationResponse({
    response,
    expectedChallenge: challenges.get(uid),
    expectedOrigin: `http://127.0.0.1:${port}`,
    expectedRPID: '127.0.0.1',
    credential: { id: response.id, publicKey, counter: 0 },
    requireUserVerification: true,
  })
  challenges.delete(uid)
  if (!verified) throw new Error('the passkey did not sign this challenge')
}

async function interact(request, response) {
  const { prompt, params, session, uid } = await provider.interactionDetails(request, response)
  if (request.method === 'GET') {
    const asked = `Budgetly asks for: ${prompt.details.missingOIDCScope?.join(', ')}`
    return prompt.name === 'login' ? signInPage(uid) : form(asked)
  }
  const body = await read(request)
  if (prompt.name === 'login') {
    await signedIn(uid, body)
    return provider.interactionFinished(request, response, { login: { accountId: body.get('name') } })
  }
  const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id })
  grant.addOIDCScope(prompt.details.missingOIDCScope.join(' '))
  const consent = { grantId: await grant.save() }
  return provider.interactionFinished(request, response, { consent }, { mergeWithLastSubmission: true })
}

provider.use(async (ctx, next) => {
  if (!ctx.path.startsWith('/interaction/')) return next()
  const page = await interact(ctx.req, ctx.res)
  if (page) ctx.body = page
  else ctx.respond = false
})

provider.listen(Number(port), '127.0.0.1')
