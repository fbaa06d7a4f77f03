// A real identity provider on loopback: oidc-provider with its own login and consent forms.
//
// Usage: node provider.mjs PORT REDIRECT_URI PLAY.json
//
// PLAY.json is read anew for each request: {"people": {LOGIN: CLAIMS}, "spoil": null | "audience" | "expired"}. A
// provider of good manners cannot be made to issue what must not be believed, so what it issued is signed again, by
// its own key, with a claim changed. Keys are made at each start.

import { readFileSync } from 'node:fs';
import { calculateJwkThumbprint, decodeJwt, exportJWK, generateKeyPair, SignJWT } from 'jose';
import Provider from 'oidc-provider';

const [port, redirectUri, playFile] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
const play = () => JSON.parse(readFileSync(playFile, 'utf8'));

const { privateKey } = await generateKeyPair('RS256', { extractable: true });
const jwk = await exportJWK(privateKey);
const kid = await calculateJwkThumbprint(jwk);

const provider = new Provider(issuer, {
  clients: [{
    client_id: 'bursar',
    client_secret: readFileSync(0, 'utf8').trim(),
    redirect_uris: [redirectUri],
    grant_types: ['authorization_code'],
    response_types: ['code'],
  }],
  jwks: { keys: [{ ...jwk, kid, alg: 'RS256', use: 'sig' }] },
  cookies: { keys: ['of no matter'] },
  pkce: { required: () => true },
  scopes: ['openid', 'profile', 'email', 'groups'],
  claims: {
    openid: ['sub'],
    profile: ['name', 'preferred_username'],
    email: ['email', 'email_verified'],
    groups: ['groups'],
  },
  async findAccount(_, id) {
    const person = play().people[id];
    return person && { accountId: id, claims: async () => ({ sub: id, ...person }) };
  },
});

provider.use(async (ctx, next) => {
  await next();
  const { spoil } = play();
  if (!spoil || ctx.oidc?.route !== 'token' || !ctx.body?.id_token) return;
  const claims = decodeJwt(ctx.body.id_token);
  if (spoil === 'audience') claims.aud = 'another';
  if (spoil === 'expired') claims.exp = claims.iat - 600;
  const signed = new SignJWT(claims).setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid });
  ctx.body = { ...ctx.body, id_token: await signed.sign(privateKey) };
});

provider.listen(Number(port), '127.0.0.1', () => console.log(`listening ${issuer}`));
