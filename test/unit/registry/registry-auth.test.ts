import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { digestOf } from '../../../src/oci/digest.js';
import { MEDIA_TYPE } from '../../../src/oci/media-type.js';
import type { Credential } from '../../../src/registry/auth/credentials.js';
import { errorReply, type Answer, type Reply, type Script, type SeenRequest } from '../../../src/testing/exchange.js';
import { startScriptedRegistry, type ScriptedRegistry } from '../../../src/testing/scripted-registry.js';
import { testClient, type TestClient } from '../../support/registry/test-client.js';

const manifest = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPE.ociIndex, manifests: [] }));
const descriptor = { mediaType: MEDIA_TYPE.ociIndex, digest: digestOf(manifest), size: manifest.length };

const PASSWORD: Credential = { kind: 'password', username: 'me', password: 'hunter2' };
const BASIC = `Basic ${Buffer.from('me:hunter2').toString('base64')}`;

function denied(challenge?: string): Reply {
  const headers = challenge === undefined ? {} : { 'www-authenticate': challenge };
  return { ...errorReply(401, 'UNAUTHORIZED'), headers };
}

const bearer = ({ headers }: SeenRequest, extra = '') =>
  denied(`Bearer realm="http://${headers['host']}/token",service="s"${extra}`);

/** Gives `token-1`, `token-2`… and wants the last one given. */
function tokenService(
  options: { readonly answer?: (number: number) => Answer; readonly accepts?: (token: string) => boolean } = {},
): Script {
  let issued = 0;
  const { answer = (number) => ({ status: 200, body: JSON.stringify({ token: `token-${number}` }) }) } = options;
  const accepts = options.accepts ?? ((token) => token === `Bearer token-${issued}`);
  return (request) => {
    if (request.path.startsWith('/token')) return answer((issued += 1));
    return accepts(request.headers['authorization'] ?? '') ? undefined : bearer(request);
  };
}

interface Setting {
  readonly registry: ScriptedRegistry;
  readonly resolve: (repository?: string) => Promise<unknown>;
  readonly tested: TestClient;
}

async function withRegistry(
  script: Script,
  options: { readonly credential?: Credential | undefined; readonly now?: () => number },
  run: (setting: Setting) => Promise<void>,
): Promise<void> {
  await using registry = await startScriptedRegistry(script);
  for (const repository of ['app', 'other']) {
    registry.content.putManifest(repository, '1', { mediaType: MEDIA_TYPE.ociIndex, bytes: manifest });
  }
  const { credential, now = () => 0 } = options;
  await using tested = testClient({
    now,
    credentials: credential === undefined ? {} : { [registry.host]: credential },
  });
  const resolve = async (repository = 'app') =>
    await tested.client.repository({ registry: registry.host, repository }).resolve({ tag: '1' });
  await run({ registry, resolve, tested });
}

const tokens = ({ seen }: ScriptedRegistry) => seen.filter(({ path }) => path.startsWith('/token'));

describe('a bearer token', () => {
  test('is fetched once for each repository, and kept', async () => {
    await withRegistry(tokenService({ accepts: (token) => token !== '' }), {}, async ({ registry, resolve }) => {
      expect(await resolve()).toEqual(descriptor);
      await resolve();
      await resolve('other');
      expect(registry.lines()).toEqual([
        'HEAD /v2/app/manifests/1',
        'GET /token?service=s&scope=repository%3Aapp%3Apull&client_id=tsbuild',
        'HEAD /v2/app/manifests/1',
        'HEAD /v2/app/manifests/1',
        'GET /token?service=s&scope=repository%3Aother%3Apull&client_id=tsbuild',
        'HEAD /v2/other/manifests/1',
      ]);
      expect(tokens(registry)[0]?.headers['authorization']).toBeUndefined();
    });
  });

  test('is fetched once by many that want it at the same time', async () => {
    await withRegistry(tokenService({ accepts: (token) => token !== '' }), {}, async ({ registry, resolve }) => {
      await Promise.all([resolve(), resolve(), resolve()]);
      expect(tokens(registry)).toHaveLength(1);
    });
  });

  test.each<[string, boolean, number]>([
    ['goes on for others when one of those who wait for it is cancelled', false, 2],
    ['is no longer asked for when all who wait for it are cancelled', true, 1],
  ])('%s', async (_what, all, requests) => {
    const token = { status: 200, body: '{"token":"token-2"}' };
    const answer = (number: number): Answer => (number === 1 ? 'hang' : token);
    await withRegistry(tokenService({ answer }), {}, async ({ registry, tested }) => {
      const repository = tested.client.repository({ registry: registry.host, repository: 'app' });
      const [one, other] = [new AbortController(), new AbortController()];
      const [first, second] = [one, other].map(({ signal }) => repository.resolve({ tag: '1' }, { signal }));
      const ended = [first, second].map((each) => each?.catch((error: unknown) => error));
      await expect.poll(() => tokens(registry).length, { interval: 10 }).toBe(1);
      one.abort();
      if (all) other.abort();
      await expect(first).rejects.toMatchObject({ code: 'ABORTED' });
      if (all) await expect(second).rejects.toMatchObject({ code: 'ABORTED' });
      else expect(await second).toEqual(descriptor);
      await Promise.all(ended);
      // Longer than the client waits for an answer before it asks again.
      await sleep(400);
      expect(tokens(registry)).toHaveLength(requests);
    });
  });

  test('is asked for with the password, which the registry itself never sees', async () => {
    await withRegistry(tokenService(), { credential: PASSWORD }, async ({ registry, resolve }) => {
      await resolve();
      const [first] = tokens(registry);
      expect(first?.headers['authorization']).toBe(BASIC);
      expect(first?.path).toContain('account=me');
      const others = registry.seen.filter((request) => request !== first);
      expect(others.map(({ headers }) => headers['authorization'])).toEqual([undefined, 'Bearer token-1']);
    });
  });

  test('is replaced before it expires, after sixty seconds where no time is given', async () => {
    let now = 0;
    await withRegistry(
      tokenService({ accepts: (token) => token !== '' }),
      { now: () => now },
      async ({ registry, resolve }) => {
        await resolve();
        now = 49_000;
        await resolve();
        expect(tokens(registry)).toHaveLength(1);
        now = 51_000;
        await resolve();
        expect(tokens(registry)).toHaveLength(2);
      },
    );
  });

  test('that the registry has stopped accepting is replaced', async () => {
    let valid = 'Bearer token-1';
    await withRegistry(tokenService({ accepts: (token) => token === valid }), {}, async ({ registry, resolve }) => {
      await resolve();
      valid = 'Bearer token-2';
      expect(await resolve()).toEqual(descriptor);
      expect(tokens(registry)).toHaveLength(2);
    });
  });

  test('may be called access_token', async () => {
    const answer = (): Reply => ({ status: 200, body: '{"access_token":"token-1","expires_in":300}' });
    await withRegistry(tokenService({ answer }), {}, async ({ resolve }) => {
      expect(await resolve()).toEqual(descriptor);
    });
  });

  test('comes for a refresh token by POST, and by GET where that is not understood', async () => {
    const credential: Credential = { kind: 'refresh-token', token: 'refresh me' };
    await withRegistry(tokenService(), { credential }, async ({ registry, resolve }) => {
      await resolve();
      const [first] = tokens(registry);
      expect(first?.method).toBe('POST');
      expect(Object.fromEntries(new URLSearchParams(first?.body.toString()))).toEqual({
        grant_type: 'refresh_token',
        client_id: 'tsbuild',
        service: 's',
        scope: 'repository:app:pull',
        refresh_token: 'refresh me',
      });
    });
    const accepts = tokenService();
    const onlyGet: Script = (request) =>
      request.path === '/token' && request.method === 'POST' ? { status: 405 } : accepts(request);
    await withRegistry(onlyGet, { credential }, async ({ registry, resolve }) => {
      expect(await resolve()).toEqual(descriptor);
      expect(tokens(registry).map(({ method }) => method)).toEqual(['POST', 'GET']);
    });
  });

  test('of too small a scope is asked for again with what the registry wants, once', async () => {
    const script: Script = (request) => {
      if (request.path.startsWith('/token')) {
        const wide = request.path.includes('special');
        return { status: 200, body: JSON.stringify({ token: wide ? 'wide' : 'narrow' }) };
      }
      if (request.headers['authorization'] === 'Bearer wide') return undefined;
      return bearer(request, ',scope="repository:app:pull,special",error="insufficient_scope"');
    };
    await withRegistry(script, {}, async ({ registry, resolve }) => {
      expect(await resolve()).toEqual(descriptor);
      expect(tokens(registry)).toHaveLength(2);
    });
  });

  test.each<[string, Reply, string]>([
    ['there is none in the answer', { status: 200, body: '{}' }, 'REGISTRY_RESPONSE'],
    ['the answer is HTML', { status: 200, body: '<html>' }, 'REGISTRY_RESPONSE'],
    ['it would break the header', { status: 200, body: '{"token":"a\\r\\nb"}' }, 'REGISTRY_RESPONSE'],
    ['the password is wrong', { status: 401, body: '' }, 'REGISTRY_UNAUTHORIZED'],
  ])('fails when %s, without showing the password', async (_what, reply, code) => {
    await withRegistry(tokenService({ answer: () => reply }), { credential: PASSWORD }, async ({ resolve }) => {
      const error = await resolve().catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code });
      expect(JSON.stringify(error) + String(error)).not.toMatch(/hunter2|aHVudGVy/);
    });
  });

  test.each<[string, Credential | undefined, RegExp]>([
    ['with credentials, which may be old: logging out is enough for what is public', PASSWORD, /tsbuild logout/],
    ['without any', undefined, /^Log in with "tsbuild login"/],
  ])('that the service refuses %s', async (_case, credential, hint) => {
    const script = tokenService({ answer: () => ({ status: 401, body: '' }) });
    await withRegistry(script, { credential }, async ({ resolve }) => {
      await expect(resolve()).rejects.toMatchObject({ hint: expect.stringMatching(hint) });
    });
  });

  test('that is refused although it is new ends the matter', async () => {
    await withRegistry(
      tokenService({ accepts: () => false }),
      { credential: PASSWORD },
      async ({ registry, resolve }) => {
        await expect(resolve()).rejects.toMatchObject({ code: 'REGISTRY_UNAUTHORIZED' });
        expect(tokens(registry).length).toBeLessThanOrEqual(2);
      },
    );
  });
});

describe('what a registry asks for', () => {
  test('is learnt from /v2/ when its refusal does not say', async () => {
    const script: Script = (request) => {
      if (request.headers['authorization'] === BASIC) return undefined;
      return request.path === '/v2/' ? denied('Basic realm="x"') : denied();
    };
    await withRegistry(script, { credential: PASSWORD }, async ({ registry, resolve }) => {
      expect(await resolve()).toEqual(descriptor);
      expect(registry.lines()).toEqual(['HEAD /v2/app/manifests/1', 'GET /v2/', 'HEAD /v2/app/manifests/1']);
    });
  });

  test('may come after what nobody speaks here; Basic is remembered', async () => {
    const script: Script = ({ headers }) =>
      headers['authorization'] === BASIC ? undefined : denied('Negotiate, Basic realm="a, b"');
    await withRegistry(script, { credential: PASSWORD }, async ({ registry, resolve }) => {
      await resolve();
      await resolve('other');
      expect(registry.lines()).toHaveLength(3);
    });
  });

  test('is not given twice: wrong credentials are sent once', async () => {
    await withRegistry(
      () => denied('Basic realm="x"'),
      { credential: PASSWORD },
      async ({ registry, resolve }) => {
        await expect(resolve()).rejects.toMatchObject({ code: 'REGISTRY_UNAUTHORIZED' });
        const withPassword = registry.seen.filter(
          ({ method, headers }) => method === 'HEAD' && headers['authorization'] === BASIC,
        );
        expect(withPassword).toHaveLength(1);
      },
    );
  });

  test.each(['not a url', 'file:///etc/passwd', 'ftp://x/'])('may not be a realm like %s', async (realm) => {
    await withRegistry(
      () => denied(`Bearer realm="${realm}"`),
      { credential: PASSWORD },
      async ({ resolve }) => {
        await expect(resolve()).rejects.toMatchObject({
          code: 'REGISTRY_RESPONSE',
          message: expect.stringContaining('token service'),
        });
      },
    );
  });
});

describe('a redirect', () => {
  test('takes no authorization to another origin, and keeps it at home', async () => {
    await using storage = await startScriptedRegistry(() => ({ status: 200, body: manifest }));
    const script: Script = ({ path, headers }) => {
      if (headers['authorization'] !== BASIC) return denied('Basic realm="x"');
      if (path === '/v2/app/manifests/away')
        return { status: 307, headers: { location: `http://${storage.host}/x?sig=secret` } };
      if (path === '/v2/app/manifests/here') return { status: 302, headers: { location: '1' } };
      return undefined;
    };
    await withRegistry(script, { credential: PASSWORD }, async ({ registry, tested }) => {
      const app = tested.client.repository({ registry: registry.host, repository: 'app' });
      await app.resolve({ tag: 'away' });
      await app.resolve({ tag: 'here' });
      expect(storage.seen.map(({ headers }) => headers['authorization'])).toEqual([undefined, undefined]);
      expect(registry.seen.at(-1)?.headers['authorization']).toBe(BASIC);
    });
  });

  test.each<[string, string, RegExp]>([
    ['without end', '/v2/app/manifests/1', /redirected more than 10 times/],
    ['to another protocol', 'file:///etc/passwd', /redirected to file:/],
    ['to nowhere', 'http://[', /no URL/],
  ])('%s is not followed', async (_what, location, message) => {
    await withRegistry(
      () => ({ status: 307, headers: { location } }),
      {},
      async ({ resolve }) => {
        await expect(resolve()).rejects.toMatchObject({
          code: 'REGISTRY_RESPONSE',
          message: expect.stringMatching(message),
        });
      },
    );
  });

  test('whose target fails is shown without what signs it', async () => {
    const script: Script = ({ path }) =>
      path.startsWith('/elsewhere')
        ? { status: 403 }
        : { status: 307, headers: { location: '/elsewhere?X-Amz-Signature=secret' } };
    await withRegistry(script, {}, async ({ resolve }) => {
      const error = await resolve().catch((thrown: unknown) => thrown);
      expect(JSON.stringify(error)).toContain('X-Amz-Signature=…');
      expect(JSON.stringify(error) + String(error)).not.toContain('secret');
    });
  });
});
