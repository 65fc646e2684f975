#!/usr/bin/env node
// node provider.mjs [--port PORT] [--client ID] [--secret SECRET] [--redirect URL]…
//
// A provider of OpenID Connect on 127.0.0.1 for tests and for trying out, with invented people; whoever comes may sign in as
// any of them. Prints `ready ISSUER` once it serves. SIGHUP gives it other keys.
//
//   --port PORT       0 (the default): any that is free
//   --client ID       nrwdirekt
//   --secret SECRET   geheim
//   --redirect URL    http://127.0.0.1/anmelden/openid/zurueck, which fits every port of this machine

import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import Provider from 'oidc-provider';

/** Who can sign in: the subject is the key. */
const PEOPLE = {
  'sub-anna': { preferred_username: 'anna.arndt', name: 'Anna Arndt', groups: ['hotline-team'], agent: 'service-001' },
  'sub-sabine': { preferred_username: 'sabine.sommer', name: 'Sabine Sommer', groups: ['hotline-lead'] },
  'sub-fk': { preferred_username: 'fk.koeln', name: 'Finanzamt Köln', groups: ['fk'], department: 'finanzamt-koeln' },
  'sub-fremd': { preferred_username: 'fremd', name: 'Ohne Rolle', groups: ['kantine'] },
};

const { values: options } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    client: { type: 'string', default: 'nrwdirekt' },
    secret: { type: 'string', default: 'geheim' },
    redirect: { type: 'string', multiple: true, default: ['http://127.0.0.1/anmelden/openid/zurueck'] },
  },
});

const cookieKey = randomBytes(32).toString('hex');

function provider(issuer) {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = { ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), use: 'sig', alg: 'RS256' };
  return new Provider(issuer, {
    clients: [{
      client_id: options.client,
      client_secret: options.secret,
      redirect_uris: options.redirect,
      // Any port of this machine.
      application_type: 'native',
      grant_types: ['authorization_code'],
      response_types: ['code'],
    }],
    claims: { openid: ['sub'], profile: ['name', 'preferred_username', 'groups', 'department', 'agent'] },
    findAccount: (_, id) => PEOPLE[id] && { accountId: id, claims: () => ({ sub: id, ...PEOPLE[id] }) },
    pkce: { required: () => true },
    cookies: { keys: [cookieKey] },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    jwks: { keys: [key] },
  });
}

/** The page on which one chooses who one is. */
const page = `<!doctype html><html lang="de"><meta charset="utf-8"><title>Anmeldedienst</title>
<h1>Anmeldedienst (Vorführung)</h1><form method="post"><label for="login">Wer sind Sie?</label>
<select id="login" name="login">${Object.entries(PEOPLE).map(([sub, person]) => `<option value="${sub}">${person.name}</option>`).join('')}
</select><button type="submit">Anmelden</button></form></html>`;

async function body(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return new URLSearchParams(Buffer.concat(parts).toString());
}

/** Signs in whom the form names, and grants what the client asks for. */
async function interaction(current, request, response) {
  if (request.method !== 'POST') {
    response.setHeader('content-type', 'text/html; charset=utf-8');
    response.end(page);
    return;
  }
  const { params } = await current.interactionDetails(request, response);
  const accountId = (await body(request)).get('login');
  if (!PEOPLE[accountId]) {
    const refused = { error: 'access_denied', error_description: 'nobody of this name' };
    await current.interactionFinished(request, response, refused, { mergeWithLastSubmission: false });
    return;
  }
  const grant = new current.Grant({ accountId, clientId: params.client_id });
  grant.addOIDCScope(params.scope);
  const grantId = await grant.save();
  const result = { login: { accountId }, consent: { grantId } };
  await current.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
}

let current;
const server = createServer((request, response) => {
  if (request.url.startsWith('/interaction/')) {
    interaction(current, request, response).catch((error) => {
      response.statusCode = 400;
      response.end(`${error.message}\n`);
    });
  } else {
    current.callback()(request, response);
  }
});
server.listen(Number(options.port), '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  current = provider(issuer);
  process.on('SIGHUP', () => { current = provider(issuer); });
  console.log(`ready ${issuer}`);
});
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0));
