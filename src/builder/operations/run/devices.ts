import type { DeviceFlag } from '../../../parser/instruction.js';
import type { Mount } from '../../../sandbox/run-spec.js';
import { TsbuildError } from '../../../support/errors.js';
import type { CdiDevice, ContainerEdits } from '../../devices/cdi-specification.js';

export interface StepDevices {
  readonly mounts: readonly Mount[];
  readonly env: Readonly<Record<string, string>>;
  readonly groups: readonly number[];
}

const NONE: StepDevices = { mounts: [], env: {}, groups: [] };

/** What the devices that a step asks for add to it. @throws `USAGE` for one that is required and not there, or not allowed; `CONFIG_INVALID` */
export async function stepDevices(
  flags: readonly DeviceFlag[],
  options: { readonly directories: readonly string[]; readonly entitlements: readonly string[] },
): Promise<StepDevices> {
  if (flags.length === 0) return NONE;
  const { CdiDevices } = await import('../../devices/cdi-devices.js');
  const known = new CdiDevices(options.directories);
  const devices = new Map<string, CdiDevice>();
  for (const { name, required } of flags) {
    const found = known.find(name);
    if (found.length === 0 && required) known.refuse(name);
    for (const device of found) {
      requireEntitlement(device, name, options.entitlements);
      devices.set(device.name, device);
    }
  }
  const edits = [...devices.values()].flatMap((device) => device.edits());
  return {
    mounts: edits.flatMap(mountsOf),
    env: Object.fromEntries(edits.flatMap(({ env }) => env.map(splitVariable))),
    groups: edits.flatMap(({ groups }) => groups),
  };
}

function splitVariable(text: string): [name: string, value: string] {
  const equals = text.indexOf('=');
  return [text.slice(0, equals), text.slice(equals + 1)];
}

function mountsOf({ nodes, files }: ContainerEdits): readonly Mount[] {
  const source = { kind: 'directory', path: '/' } as const;
  return [
    ...nodes.map(({ path, hostPath, ...attributes }): Mount => ({
      type: 'device',
      source: hostPath,
      target: path,
      ...attributes,
    })),
    ...files.map(({ hostPath, containerPath, readonly }): Mount => ({
      type: 'bind',
      source,
      path: hostPath,
      target: containerPath,
      readonly,
    })),
  ];
}

/** `device` allows all, `device=NAME` that one, `device=vendor/class` and `device=vendor/class=*` those of a kind. */
function requireEntitlement(device: CdiDevice, asked: string, entitlements: readonly string[]): void {
  const [kind = ''] = device.name.split('=');
  const enough = ['device', `device=${device.name}`, `device=${kind}`, `device=${kind}=*`, `device=${asked}`];
  if (device.allowed || entitlements.some((one) => enough.includes(one))) return;
  throw new TsbuildError('USAGE', `cannot give device "${device.name}": the build is not allowed to use it`, {
    hint: `Allow it with --allow device=${device.name}, or all devices with --allow device.`,
  });
}
