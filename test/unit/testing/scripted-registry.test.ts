import { expect, test } from 'vitest';
import { errorReply, fault, firstOf, startScriptedRegistry, tokenService } from '../../../src/testing.js';

test('gives what it was given, and follows ranges', async () => {
  await using registry = await startScriptedRegistry();
  const digest = registry.content.putBlob('team/app', Buffer.from('a layer'));
  const url = `http://${registry.host}/v2/team/app/blobs/${digest}`;
  expect(await (await fetch(url)).text()).toBe('a layer');
  const part = await fetch(url, { headers: { range: 'bytes=2-' } });
  expect([part.status, await part.text()]).toEqual([206, 'layer']);
  expect(registry.lines()).toEqual([`GET /v2/team/app/blobs/${digest}`, `GET /v2/team/app/blobs/${digest}`]);
});

test('faults are for some requests, so often, and after so many', async () => {
  const script = firstOf(
    fault({ path: /list$/, after: 1, times: 2 }, errorReply(503, 'UNKNOWN')),
    fault({ method: 'HEAD' }, { status: 418 }),
  );
  await using registry = await startScriptedRegistry(script);
  const status = async (method: string, path: string): Promise<number> =>
    (await fetch(`http://${registry.host}/v2/${path}`, { method })).status;
  const list = 'app/tags/list';
  expect(await Promise.all([status('HEAD', ''), status('GET', '')])).toEqual([418, 200]);
  const statuses: number[] = [];
  for (let count = 0; count < 4; count += 1) statuses.push(await status('GET', list));
  expect(statuses).toEqual([404, 503, 503, 404]);
});

test.each<[string, Parameters<typeof fault>[1]]>([
  ['reset', 'reset'],
  ['cut off', { status: 200, body: 'a long body', cutAfter: 3 }],
  ['no HTTP', { raw: 'nonsense\n\n' }],
])('a connection can be %s', async (_what, answer) => {
  await using registry = await startScriptedRegistry(fault({}, answer));
  await expect(fetch(`http://${registry.host}/v2/`).then((response) => response.text())).rejects.toThrow();
});

test('tokens are good for so many requests', async () => {
  await using registry = await startScriptedRegistry(tokenService({ uses: 2 }));
  const ask = async (token: string): Promise<Response> =>
    await fetch(`http://${registry.host}/v2/`, { headers: { authorization: `Bearer ${token}` } });
  const refused = await ask('');
  expect(refused.headers.get('www-authenticate')).toContain(`realm="http://${registry.host}/token"`);
  const { token } = (await (await fetch(`http://${registry.host}/token`)).json()) as { token: string };
  expect([(await ask(token)).status, (await ask(token)).status, (await ask(token)).status]).toEqual([200, 200, 401]);
});

test('a script that throws ends the connection, not the process', async () => {
  await using registry = await startScriptedRegistry(() => {
    throw new Error('a mistake of the test');
  });
  await expect(fetch(`http://${registry.host}/v2/`)).rejects.toThrow();
});

test('an upload in chunks can be asked how far it is, and takes nothing out of order', async () => {
  await using registry = await startScriptedRegistry();
  const at = (location: string | null): string => `http://${registry.host}${location}`;
  const opened = await fetch(at('/v2/app/blobs/uploads/'), { method: 'POST' });
  const location = at(opened.headers.get('location'));
  const chunk = async (range: string, body: string): Promise<number> =>
    (await fetch(location, { method: 'PATCH', headers: { 'content-range': range }, body })).status;
  expect([await chunk('0-2', 'abc'), await chunk('5-6', 'xx'), await chunk('3-4', 'de')]).toEqual([202, 416, 202]);
  const progress = await fetch(location);
  expect([progress.status, progress.headers.get('range')]).toEqual([204, '0-4']);
});
