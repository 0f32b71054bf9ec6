import {
  arrayOf,
  count,
  objectOf,
  optional,
  recordOf,
  required,
  ShapeError,
  string,
  type Decode,
  type JsonObject,
} from '../../oci/decode-value.js';
import { TsbuildError } from '../../support/errors.js';

// Container Device Interface 1.0 (cncf-tags/container-device-interface, SPEC.md): what a container needs to use a device.

export interface DeviceNode {
  /** In the container. */
  readonly path: string;
  readonly hostPath: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
}

export interface DeviceFiles {
  readonly hostPath: string;
  readonly containerPath: string;
  readonly readonly: boolean;
}

export interface ContainerEdits {
  /** `NAME=value`. */
  readonly env: readonly string[];
  readonly nodes: readonly DeviceNode[];
  readonly files: readonly DeviceFiles[];
  readonly groups: readonly number[];
}

export interface CdiDevice {
  /** `vendor.com/class=name`. */
  readonly name: string;
  /** BuildKit's annotation `org.mobyproject.buildkit.device.class`: another name within the kind. */
  readonly alias?: string;
  /** BuildKit's annotation `org.mobyproject.buildkit.device.autoallow`. */
  readonly allowed: boolean;
  /** Of the specification, then of the device. Read when they are wanted: others may be what tsbuild cannot do. @throws `CONFIG_INVALID` */
  readonly edits: () => readonly ContainerEdits[];
}

const KIND = /^[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?\/[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?$/i;
const NAME = /^[a-z0-9](?:[a-z0-9_.:-]*[a-z0-9])?$/i;

/** The devices that a specification names. @throws `CONFIG_INVALID` */
export function decodeSpecification(document: unknown, file: string): readonly CdiDevice[] {
  return explained(file, () => {
    const specification = objectOf(document, '');
    const version = required(specification, 'cdiVersion', string);
    if (!/^v?[01]\.\d+\.\d+$/.test(version)) throw new ShapeError('cdiVersion', `is ${version}, which is not known`);
    const kind = required(specification, 'kind', matching(KIND));
    const annotations = optional(specification, 'annotations', texts) ?? {};
    return required(specification, 'devices', arrayOf(device({ file, kind, annotations, specification })));
  });
}

function explained<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    throw new TsbuildError('CONFIG_INVALID', `cannot use device specification "${file}": ${error.message}`, {
      hint: 'Correct the file, or have the tool of the device write it anew.',
      cause: error,
    });
  }
}

const texts: Decode<Readonly<Record<string, string>>> = recordOf(string);

interface Common {
  readonly file: string;
  readonly kind: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly specification: JsonObject;
}

function device({ file, kind, annotations, specification }: Common): Decode<CdiDevice> {
  return (value, path) => {
    const object = objectOf(value, path);
    const all = { ...annotations, ...optional(object, 'annotations', texts) };
    const alias = all['org.mobyproject.buildkit.device.class'];
    return {
      name: `${kind}=${required(object, 'name', matching(NAME))}`,
      ...(alias === undefined ? {} : { alias }),
      allowed: all['org.mobyproject.buildkit.device.autoallow'] === 'true',
      edits: () =>
        explained(file, () => {
          const common = optional(specification, 'containerEdits', containerEdits);
          const own = required(object, 'containerEdits', containerEdits);
          return common === undefined ? [own] : [common, own];
        }),
    };
  };
}

function matching(pattern: RegExp): Decode<string> {
  return (value, path) => {
    const text = string(value, path);
    if (!pattern.test(text)) throw new ShapeError(path, `is ${JSON.stringify(text)}, which is no name of a device`);
    return text;
  };
}

/** What is not done here is refused: a device that is half set up fails in ways that nobody can explain. */
const containerEdits: Decode<ContainerEdits> = (value, path) => {
  const object = objectOf(value, path);
  const refused = ['hooks', 'intelRdt', 'netDevices'].find((name) => optional(object, name, isThere) === true);
  if (refused !== undefined) throw new ShapeError(`${path}.${refused}`, 'cannot be done by tsbuild');
  return {
    env: optional(object, 'env', arrayOf(variable)) ?? [],
    nodes: optional(object, 'deviceNodes', arrayOf(deviceNode)) ?? [],
    files: optional(object, 'mounts', arrayOf(deviceFiles)) ?? [],
    groups: optional(object, 'additionalGids', arrayOf(count)) ?? [],
  };
};

/** A list that is empty asks for nothing. */
const isThere: Decode<boolean> = (value) => !Array.isArray(value) || value.length > 0;

const variable: Decode<string> = (value, path) => {
  const text = string(value, path);
  if (!/^[^=\0]+=[^\0]*$/.test(text)) throw new ShapeError(path, 'is no NAME=value');
  return text;
};

const absolute: Decode<string> = (value, path) => {
  const text = string(value, path);
  if (!text.startsWith('/') || text.includes('\0')) throw new ShapeError(path, 'is no absolute path');
  return text;
};

const deviceNode: Decode<DeviceNode> = (value, path) => {
  const object = objectOf(value, path);
  const node = required(object, 'path', absolute);
  const [mode, uid, gid] = (['fileMode', 'uid', 'gid'] as const).map((name) => optional(object, name, count));
  return {
    path: node,
    hostPath: optional(object, 'hostPath', absolute) ?? node,
    ...(mode === undefined ? {} : { mode: mode & 0o7777 }),
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
  };
};

const deviceFiles: Decode<DeviceFiles> = (value, path) => {
  const object = objectOf(value, path);
  const options = optional(object, 'options', arrayOf(string)) ?? [];
  return {
    hostPath: required(object, 'hostPath', absolute),
    containerPath: required(object, 'containerPath', absolute),
    readonly: options.includes('ro'),
  };
};
