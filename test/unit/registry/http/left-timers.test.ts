import { expect, test } from 'vitest';
import { createRegistryClient } from '../../../../src/registry/create-registry-client.js';
import { loadRegistryConfiguration } from '../../../../src/registry/config/load-registry-configuration.js';

const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;

test('a registry that refuses leaves no timer behind that would keep the process from ending', async () => {
  const configuration = await loadRegistryConfiguration({ env: {}, home: '/nonexistent', systemRoot: '/nonexistent' });
  const client = createRegistryClient({ configuration, userAgent: 'test' });
  const before = timers();
  const repository = client.repository({ registry: '127.0.0.1:1', repository: 'x' });
  await expect(repository.resolve({ tag: 'latest' })).rejects.toMatchObject({ code: 'REGISTRY_UNREACHABLE' });
  await client.close();
  await new Promise((resolve) => setImmediate(resolve));
  expect(timers()).toBeLessThanOrEqual(before);
});
