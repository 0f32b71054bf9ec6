import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { digestOf } from '../../../src/oci/digest.js';
import { MEDIA_TYPE } from '../../../src/oci/media-type.js';
import { errorReply, type Script } from '../../../src/testing/exchange.js';
import { fault, firstOf, tokenService } from '../../../src/testing/faults.js';
import { startScriptedRegistry, type ScriptedRegistry } from '../../../src/testing/scripted-registry.js';
import { testClient } from '../../support/registry/test-client.js';

const MIB = 1 << 20;
const bytes = Buffer.alloc(10 * MIB + 7, '0123456789abcdef-');
const descriptor = { mediaType: MEDIA_TYPE.ociLayerGzip, digest: digestOf(bytes), size: bytes.length };

/** Ten megabytes take a busy machine a while. */
const PATIENT = { headersMs: 10_000, commitMs: 10_000, inactivityMs: 10_000 };

interface Pushed {
  readonly outcome: string;
  readonly opened: number;
  readonly counted: number;
}

async function pushTo(registry: ScriptedRegistry, signal?: AbortSignal): Promise<Pushed> {
  await using tested = testClient({ timeouts: PATIENT });
  const repository = tested.client.repository({ registry: registry.host, repository: 'app' });
  let [opened, counted] = [0, 0];
  const open = () => {
    opened += 1;
    const pieces = Array.from({ length: 11 }, (_, index) => bytes.subarray(index * MIB, (index + 1) * MIB));
    return Promise.resolve(Readable.from(pieces, { objectMode: false }));
  };
  const onBytes = (count: number): void => {
    counted += count;
  };
  const outcome = await repository.pushBlob({ descriptor, open }, { onBytes, signal });
  return { outcome, opened, counted };
}

/** `PATCH 0-4194303`, `PUT 0`: what was sent, and how much of it. */
const sent = ({ seen }: ScriptedRegistry): readonly string[] =>
  seen
    .filter(({ method }) => ['PATCH', 'PUT', 'DELETE'].includes(method))
    .map(({ method, headers, body }) => `${method} ${headers['content-range'] ?? body.length}`);

const whole = `PUT ${bytes.length}`;
const breakFirstPut = (): Script => fault({ method: 'PUT', times: 1 }, 'reset');

describe('a large blob', () => {
  test('is sent whole where nothing goes wrong', async () => {
    await using registry = await startScriptedRegistry();
    expect(await pushTo(registry)).toEqual({ outcome: 'uploaded', opened: 1, counted: bytes.length });
    expect(sent(registry)).toEqual([whole]);
  });

  test('goes on in chunks when it breaks off', async () => {
    await using registry = await startScriptedRegistry(breakFirstPut());
    expect(await pushTo(registry)).toEqual({ outcome: 'uploaded', opened: 2, counted: bytes.length });
    const [a, b, c] = [4 * MIB, 8 * MIB, bytes.length];
    expect(sent(registry)).toEqual([whole, `PATCH 0-${a - 1}`, `PATCH ${a}-${b - 1}`, `PATCH ${b}-${c - 1}`, 'PUT 0']);
    expect(registry.content.blobs.get(`app@${descriptor.digest}`)?.equals(bytes)).toBe(true);
  });

  test('goes on from where the registry got, chunk by chunk', async () => {
    await using registry = await startScriptedRegistry(
      firstOf(breakFirstPut(), fault({ method: 'PATCH', after: 1, times: 1 }, { breakAfterTaking: MIB })),
    );
    expect((await pushTo(registry)).outcome).toBe('uploaded');
    const broken = sent(registry).indexOf(`PATCH ${4 * MIB}-${8 * MIB - 1}`);
    expect(sent(registry).slice(broken + 1)).toEqual([
      `PATCH ${5 * MIB}-${8 * MIB - 1}`,
      `PATCH ${8 * MIB}-${bytes.length - 1}`,
      'PUT 0',
    ]);
    expect(registry.content.blobs.get(`app@${descriptor.digest}`)?.equals(bytes)).toBe(true);
  });

  test('opens the blob again when the registry has lost bytes that it had', async () => {
    let lost = false;
    const forget: Script = ({ method, path }) => {
      if (method !== 'GET' || !path.includes('/uploads/') || lost) return undefined;
      lost = true;
      return { status: 204, headers: { location: '/v2/app/blobs/uploads/1?_state=a%2Fb', range: '0-0' } };
    };
    await using registry = await startScriptedRegistry(
      firstOf(
        fault({ path: 'uploads/1?', method: 'PUT', times: 1 }, 'reset'),
        forget,
        fault({ method: 'PATCH', after: 1, times: 1 }, 'reset'),
      ),
    );
    expect((await pushTo(registry)).outcome).toBe('uploaded');
  });

  test('is sent in chunks when something in between takes no more at once', async () => {
    const tooLarge: Script = ({ method, body }) =>
      method === 'PUT' && body.length > 5 * MIB ? { status: 413, body: '<html>Too large</html>' } : undefined;
    await using registry = await startScriptedRegistry(tooLarge);
    expect((await pushTo(registry)).outcome).toBe('uploaded');
    expect(sent(registry)).toHaveLength(5);
  });

  test.each([400, 404, 405, 416, 501])('is sent whole again when chunks are answered with %i', async (status) => {
    await using registry = await startScriptedRegistry(
      firstOf(breakFirstPut(), fault({ method: 'PATCH' }, errorReply(status, 'UNSUPPORTED'))),
    );
    expect((await pushTo(registry)).outcome).toBe('uploaded');
    expect(sent(registry)).toEqual([whole, `PATCH 0-${4 * MIB - 1}`, whole]);
  });

  test('is sent whole again when the chunks made something else of it', async () => {
    const wrong = fault({ path: 'digest=', times: 1 }, errorReply(400, 'DIGEST_INVALID'));
    await using registry = await startScriptedRegistry(firstOf(breakFirstPut(), wrong));
    expect((await pushTo(registry)).outcome).toBe('uploaded');
    expect(sent(registry).slice(-2)).toEqual(['PUT 0', whole]);
  });

  test.each<[string, number, number]>([
    ['as the registry wishes', 6 * MIB, 3],
    ['and whole when they would have to be huge', 64 * MIB, 2],
  ])('is cut into chunks %s', async (_what, minimum, requests) => {
    const session: Script = ({ method, path }) =>
      method === 'POST' && path.endsWith('/uploads/')
        ? { status: 202, headers: { location: '/v2/app/blobs/uploads/9', 'oci-chunk-min-length': String(minimum) } }
        : undefined;
    const received: Buffer[] = [];
    const take: Script = ({ method, path, body, time }) => {
      if (!path.includes('/uploads/9')) return undefined;
      if (method === 'GET') return { status: 404 };
      if (method === 'PUT' && body.length === bytes.length && time === 1) return 'reset';
      received.push(body);
      return { status: method === 'PUT' ? 201 : 202 };
    };
    await using registry = await startScriptedRegistry(firstOf(session, take));
    expect((await pushTo(registry)).outcome).toBe('uploaded');
    expect(Buffer.concat(received).equals(bytes)).toBe(true);
    expect(received.length).toBe(requests === 3 ? 3 : 1);
  });

  test('survives a token that is good for two requests only', async () => {
    await using registry = await startScriptedRegistry(firstOf(breakFirstPut(), tokenService({ uses: 2 })));
    expect((await pushTo(registry)).outcome).toBe('uploaded');
    expect(registry.lines().filter((line) => line.startsWith('GET /token')).length).toBeGreaterThan(2);
    expect(registry.content.blobs.get(`app@${descriptor.digest}`)?.equals(bytes)).toBe(true);
  });

  test('waits as long as the registry asks before it goes on', async () => {
    const busy = fault({ method: 'PATCH', times: 1 }, { status: 429, headers: { 'retry-after': '7' } });
    await using registry = await startScriptedRegistry(firstOf(breakFirstPut(), busy));
    await using tested = testClient({ timeouts: PATIENT });
    const repository = tested.client.repository({ registry: registry.host, repository: 'app' });
    await repository.pushBlob({ descriptor, open: () => Promise.resolve(Readable.from([bytes])) });
    expect(tested.sleeps).toContain(7000);
  });

  test('is given up when nothing comes forward, and the session with it', async () => {
    await using registry = await startScriptedRegistry(
      firstOf(breakFirstPut(), fault({ method: 'PATCH' }, { status: 503 })),
    );
    await expect(pushTo(registry)).rejects.toMatchObject({ code: 'REGISTRY_RESPONSE', details: { status: 503 } });
  });

  test('is cancelled at the registry too', async () => {
    const cancel = new AbortController();
    const script: Script = ({ method }) => {
      if (method !== 'PUT') return undefined;
      cancel.abort();
      return 'hang';
    };
    await using registry = await startScriptedRegistry(script);
    await expect(pushTo(registry, cancel.signal)).rejects.toMatchObject({ code: 'ABORTED' });
    expect(registry.lines().at(-1)).toMatch(/^DELETE \/v2\/app\/blobs\/uploads\/1/);
  });
});
