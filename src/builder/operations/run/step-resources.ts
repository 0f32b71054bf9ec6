import type { Mount } from '../../../sandbox/run-spec.js';
import type { RunMount } from '../../operation.js';
import type { OperationContext } from '../../solver/operation-handler.js';
import type { OperationParts } from '../operation-parts.js';
import { bindMount } from './bind-mount.js';
import { holdCacheMounts } from './cache-mount.js';
import { stepDevices, type StepDevices } from './devices.js';
import type { RunStep } from './run-step.js';
import { secretFile, secretVariables } from './secret-mount.js';
import type { Keep, Provision } from './provision.js';
import { agentMount } from './ssh-mount.js';

/** What a step has beside its root file system, for as long as it runs. */
export interface StepResources extends AsyncDisposable {
  /** Outer ones before what lies in them. */
  readonly mounts: readonly Mount[];
  readonly env: Readonly<Record<string, string>>;
  /** Supplementary ones. */
  readonly groups: readonly number[];
}

/** @throws `USAGE` for what the build was not given; `DOCKERFILE_SEMANTICS` */
export async function openStepResources(
  parts: OperationParts,
  step: RunStep,
  context: OperationContext,
): Promise<StepResources> {
  const kept: (AsyncDisposable | Disposable)[] = [];
  const keep: Keep = (resource) => {
    kept.push(resource);
    return resource;
  };
  const dispose = async (): Promise<void> => {
    for (const resource of kept.splice(0).reverse()) await disposeOf(resource);
  };
  try {
    const { mounts } = step.operation;
    const caches = await holdCacheMounts(parts, step, { context, keep });
    const made: Mount[] = [];
    for (const mount of mounts) made.push(...(await realize(mount, { parts, step, context, keep, caches })));
    const devices = await devicesOf(step, parts.given);
    return {
      mounts: [...devices.mounts, ...(parts.given.devices?.mounts ?? []), ...made].sort(
        (left, right) => depthOf(left) - depthOf(right),
      ),
      env: { ...devices.env, ...secretVariables(mounts, parts.given.secrets) },
      groups: devices.groups,
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** Those that it asks for, and those that every step is given. */
async function devicesOf({ operation }: RunStep, given: OperationParts['given']): Promise<StepDevices> {
  const names = given.devices?.names ?? [];
  const asked = [...operation.devices, ...names.map((name) => ({ name, required: true }))];
  const entitlements = [...given.entitlements, ...names.map((name) => `device=${name}`)];
  return await stepDevices(asked, { directories: given.cdiDirectories, entitlements });
}

async function disposeOf(resource: AsyncDisposable | Disposable): Promise<void> {
  if (Symbol.asyncDispose in resource) await resource[Symbol.asyncDispose]();
  else resource[Symbol.dispose]();
}

function depthOf({ target }: Mount): number {
  return target.split('/').length;
}

async function realize(mount: RunMount, provision: Provision): Promise<readonly Mount[]> {
  const { parts, caches } = provision;
  const { target } = mount;
  switch (mount.type) {
    case 'bind':
      return [await bindMount(mount, provision)];
    case 'cache': {
      const path = caches.get(mount) ?? '';
      return [
        { type: 'bind', source: { kind: 'directory', path }, path: '', target: mount.target, readonly: mount.readonly },
      ];
    }
    case 'tmpfs':
      return [mount];
    case 'volume': {
      const root = { kind: 'directory', path: '/' } as const;
      const path = mount.source.replace(/^\/+/, '');
      return [{ type: 'bind', source: root, path, target: mount.target, readonly: mount.readonly, recursive: true }];
    }
    case 'secret':
      return target === undefined ? [] : secretFile({ ...mount, target }, parts.given.secrets);
    case 'ssh':
      return agentMount(mount, provision);
    case 'file': {
      const content = Buffer.from(mount.content);
      return [{ ...mount, content, uid: 0, gid: 0, confidential: false }];
    }
  }
}
