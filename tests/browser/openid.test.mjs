// Signing in with a provider of OpenID Connect, the whole way, without a browser: node --test
// NRWDIREKT_TEST_BINARY is the program as it was built for tests.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';

const binary = process.env.NRWDIREKT_TEST_BINARY;
const folder = mkdtempSync(join(tmpdir(), 'nrwdirekt-openid-'));
const started = [];
let url;
let provider;

/** Starts a program and waits for its line `ready URL`. */
async function start(program, parameters, environment = {}) {
  const child = spawn(program, parameters, {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', environment.quiet ? 'ignore' : 'inherit'],
  });
  started.push(child);
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith('ready ')) return { child, url: line.slice(6) };
  }
  throw new Error(`${program} ended before it was ready`);
}

before(async () => {
  assert.ok(binary, 'NRWDIREKT_TEST_BINARY is not set');
  provider = await start('node', [new URL('provider.mjs', import.meta.url).pathname], { quiet: 'yes' });
  const config = join(folder, 'nrwdirekt.toml');
  writeFileSync(join(folder, 'secret'), 'geheim\n', { mode: 0o600 });
  writeFileSync(config, `[sign_in.openid]
issuer = "${provider.url}"
client_id = "nrwdirekt"
client_secret_file = "secret"
name = "dem Landes-Login"
create_users = true
department_claim = "department"
agent_claim = "agent"
[sign_in.openid.roles]
hotline-team = ["agent"]
hotline-lead = ["supervisor"]
fk = ["department"]
`);
  const node = await start(binary, ['up', '--data', join(folder, 'data'), '--empty', '--listen', '127.0.0.1:0', '--config', config], {
    XDG_STATE_HOME: join(folder, 'state'), NRWDIREKT_LOG: 'warn',
  });
  url = node.url;
});

after(() => {
  for (const child of started) child.kill('SIGTERM');
  rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
});

/** As much of a browser as signing in needs: cookies by host and port, and redirects one by one. */
class Browser {
  #cookies = new Map();

  async go(address, form) {
    const { origin } = new URL(address);
    const cookies = [...(this.#cookies.get(origin) ?? new Map())].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(address, {
      redirect: 'manual',
      headers: { cookie: cookies, 'sec-fetch-site': 'same-origin', ...(form && { 'content-type': 'application/x-www-form-urlencoded' }) },
      ...(form && { method: 'POST', body: new URLSearchParams(form) }),
    });
    const jar = this.#cookies.get(origin) ?? new Map();
    for (const cookie of response.headers.getSetCookie()) {
      const [name, value] = cookie.split(';')[0].split(/=(.*)/);
      if (value === '' || /max-age=0/i.test(cookie)) jar.delete(name);
      else jar.set(name, value);
    }
    this.#cookies.set(origin, jar);
    const to = response.headers.get('location');
    return { status: response.status, to: to && new URL(to, address).href, text: await response.text() };
  }

  /** Follows redirects until a page is shown or `until` says so. */
  async follow(address, until = () => false) {
    for (let hop = 0; hop < 12; hop += 1) {
      if (until(address)) return { to: address };
      const answer = await this.go(address);
      if (!answer.to) return { ...answer, at: address };
      address = answer.to;
    }
    throw new Error('too many redirects');
  }

  /** Up to the moment at which the provider sends the browser back. */
  async begin(login) {
    const asked = await this.follow(`${url}/anmelden/openid`);
    assert.match(asked.text, /Anmeldedienst/, asked.text);
    const chosen = await this.go(asked.at, { login });
    return (await this.follow(chosen.to, (address) => address.startsWith(`${url}/anmelden/openid/zurueck`))).to;
  }
}

function user(name) {
  const listed = spawnSync(binary, ['user', 'list', '--json', '--server', url], {
    env: { ...process.env, XDG_STATE_HOME: join(folder, 'state') }, encoding: 'utf8',
  });
  assert.equal(listed.status, 0, listed.stderr);
  return listed.stdout.trim().split('\n').map(JSON.parse).find((listed) => listed.name === name);
}

test('somebody whom the provider vouches for becomes a user with the roles of the map', async () => {
  const browser = new Browser();
  const back = await browser.begin('sub-anna');
  const signedIn = await browser.go(back);
  assert.equal(signedIn.to, `${url}/`, signedIn.text);
  const anna = user('anna.arndt');
  assert.deepEqual(anna.roles, ['agent']);
  assert.equal(anna.agent, 'service-001');
  assert.equal(anna.openid_subject, 'sub-anna');
  assert.equal(anna.sessions, 1);
  const start = await browser.follow(`${url}/kennwort`);
  assert.equal(start.status, 200);
  assert.match(start.text, /Anna Arndt/);
  // The second time it is the same user.
  const again = new Browser();
  await again.go(await again.begin('sub-anna'));
  assert.equal(user('anna.arndt').sessions, 2);
  const fk = new Browser();
  await fk.go(await fk.begin('sub-fk'));
  assert.equal(user('fk.koeln').department, 'finanzamt-koeln');
});

test('somebody without a role here is turned away', async () => {
  const browser = new Browser();
  const refused = await browser.go(await browser.begin('sub-fremd'));
  assert.equal(refused.status, 401);
  assert.match(refused.text, /nicht eingerichtet/);
  assert.equal(user('fremd'), undefined);
});

test('an answer in another browser, a changed state and a used code are refused', async () => {
  const mine = new Browser();
  const back = await mine.begin('sub-sabine');
  const other = new Browser();
  await other.begin('sub-anna');
  assert.equal((await other.go(back)).status, 401);
  const changed = new URL(back);
  changed.searchParams.set('state', 'x');
  const third = new Browser();
  const own = new URL(await third.begin('sub-sabine'));
  own.searchParams.set('state', 'x');
  assert.equal((await third.go(own.href)).status, 401);
  assert.equal((await mine.go(back)).to, `${url}/`);
  assert.equal((await mine.go(back)).status, 401);
});

test('whoever was disabled is turned away, also with a valid answer', async () => {
  const browser = new Browser();
  const back = await browser.begin('sub-sabine');
  const disabled = spawnSync(binary, ['user', 'change', 'sabine.sommer', '--disable', '--server', url], {
    env: { ...process.env, XDG_STATE_HOME: join(folder, 'state') }, encoding: 'utf8',
  });
  assert.equal(disabled.status, 0, disabled.stderr);
  assert.equal((await browser.go(back)).status, 401);
});

test('new keys of the provider are found', async () => {
  provider.child.kill('SIGHUP');
  const deadline = Date.now() + 30_000;
  for (;;) {
    const browser = new Browser();
    const signedIn = await browser.go(await browser.begin('sub-anna'));
    if (signedIn.to === `${url}/`) return;
    assert.ok(Date.now() < deadline, signedIn.text);
    // It is asked for them at most every few seconds.
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
});
