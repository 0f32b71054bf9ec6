import type { BuildRequest } from '../build-request.js';
import type { Operation, RunOperation } from '../operation.js';
import { keyedTimes } from '../operations/step-time.js';
import { proxyArguments } from '../proxy-arguments.js';

/**
 * What doing an operation takes from the request, beyond what the operation says itself. In the memory of the process that builds
 * only: secrets are among it.
 */
export function buildScope(request: BuildRequest): (operation: Operation) => unknown {
  const secrets = encoded(request.secrets);
  const times = keyedTimes(request);
  return (operation) => {
    switch (operation.kind) {
      case 'image':
      case 'scratch':
      case 'linked':
        return null;
      case 'context':
        return contextScope(request, operation.name);
      case 'http':
      case 'git':
        return { secrets, pins: request.lock?.pins };
      case 'copy':
      case 'workdir':
      case 'squash':
        return times;
      case 'run':
        return { times, ...runScope(request, operation) };
    }
  };
}

function contextScope(request: BuildRequest, name: string | undefined): unknown {
  if (name !== undefined) return request.namedContexts?.find((context) => context.name === name) ?? null;
  const { contextDirectory, contextFile, ignore } = request;
  return { contextDirectory, contextFile, ignore };
}

function runScope(request: BuildRequest, { mounts }: RunOperation): Record<string, unknown> {
  const { ssh, cdiDirectories, devices, entitlements, nameResolution, allowance, keepsGroups, ...rest } = request;
  const { proxyEnv, buildArgs } = rest;
  const ids = mounts.flatMap((mount) => (mount.type === 'secret' ? [mount.id] : []));
  return {
    ...{ ssh, cdiDirectories, devices, entitlements, nameResolution, allowance, keepsGroups },
    proxyEnv: { ...proxyEnv, ...proxyArguments(buildArgs) },
    secrets: encoded(Object.fromEntries(Object.entries(request.secrets).filter(([id]) => ids.includes(id)))),
  };
}

function encoded(secrets: BuildRequest['secrets']): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(secrets).map(([id, value]) => [id, Buffer.from(value).toString('base64')] as const),
  );
}
