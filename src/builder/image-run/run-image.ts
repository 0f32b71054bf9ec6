import { layersOf } from '../../oci/decode.js';
import type { RawConfig } from '../../oci/image.js';
import type { Tree } from '../../layers/tree.js';
import type { Mount, RunSpec } from '../../sandbox/run-spec.js';
import type { RunResult } from '../../sandbox/sandbox.js';
import type { Store } from '../../store/store.js';
import { TsbuildError } from '../../support/errors.js';
import { imageFileSystem } from '../operations/result.js';
import type { Workshop } from '../operations/operation-parts.js';
import { stepDevices, type StepDevices } from '../operations/run/devices.js';
import { unpack } from '../operations/root-tree.js';
import { lookUpUser } from '../operations/user-lookup.js';
import type { ProgressSink } from '../progress.js';
import type { OpenVisit } from '../visit.js';
import { hostnameOf, programArguments, programEnvironment } from './image-process.js';
import type { ImageRunRequest } from './image-run-request.js';

export interface RunImageOptions {
  readonly store: Pick<Store, 'root' | 'blobs' | 'images' | 'layerIndexes'>;
  readonly workshop: () => Promise<Workshop>;
  /** Asked for when all is ready to start. */
  readonly openVisit: OpenVisit;
  readonly progress: ProgressSink;
  readonly signal: AbortSignal;
}

/**
 * Runs a program of an image, over files that are thrown away afterwards.
 * @throws `USAGE` for a program, user or device that there is not; `SANDBOX_FAILED`; `ABORTED`
 */
export async function runImage(request: ImageRunRequest, options: RunImageOptions): Promise<RunResult> {
  const { store, progress, signal } = options;
  const manifest = await store.images.manifest(request.manifest);
  const config = await store.images.config(manifest);
  // Before anything is unpacked.
  programArguments(config.value.config, request);
  const devices = await stepDevices(
    request.devices.map((name) => ({ name, required: true })),
    // Whoever runs the image names them: that is leave enough.
    { directories: request.cdiDirectories, entitlements: ['device'] },
  );
  const { snapshotter, sandbox } = await options.workshop();
  if (sandbox.attachable !== true) throw cannotAttach(sandbox.name);
  const step = { step: 'run', context: { progress, signal } };
  // An image that has a name, or is found by its id, is in the store as a whole.
  const fetchLayers = (): Promise<void> => Promise.resolve();
  const parent = await unpack({ ...options, fetchLayers }, imageFileSystem(layersOf(manifest, config)), step);
  await using active = await snapshotter.prepare(parent);
  using visit = await options.openVisit(undefined);
  const { attachment, stdout, stderr } = visit;
  const terminal = attachment.terminal !== undefined;
  const spec = runSpec(request, config, { tree: active.parentTree, devices, terminal });
  return await sandbox.run({ ...spec, rootfs: active.root }, { stdout, stderr, attachment, signal });
}

function cannotAttach(name: string): TsbuildError {
  return new TsbuildError('SANDBOX_UNAVAILABLE', `cannot run the image: the sandbox "${name}" takes no input`, {
    hint: 'Run it where namespaces are allowed: without --isolation, tsbuild says what forbids them.',
  });
}

interface Circumstances {
  readonly tree: Tree;
  readonly devices: StepDevices;
  readonly terminal: boolean;
}

function runSpec(
  request: ImageRunRequest,
  { descriptor, value: { config } }: RawConfig,
  { tree, devices, terminal }: Circumstances,
): Omit<RunSpec, 'rootfs'> {
  const { home, ...user } = lookUpUser(tree, request.user ?? config.User ?? '');
  const { network, hosts, limits, readonlyRoot, hostname = hostnameOf(descriptor.digest) } = request;
  const cwd = request.cwd ?? config.WorkingDir ?? '';
  return {
    argv: programArguments(config, request),
    env: { ...programEnvironment(config, request, { home, hostname, terminal }), ...devices.env },
    cwd: cwd === '' ? '/' : cwd,
    user: { ...user, groups: [...new Set([...user.groups, ...devices.groups])] },
    mounts: mountsOf(request, devices),
    network,
    hostname,
    hosts,
    limits,
    nameResolution: request.nameResolution,
    allowance: request.allowance,
    privileged: false,
    ...(readonlyRoot ? { readonlyRoot: true } : {}),
  };
}

/** Outer ones before what lies in them. */
function mountsOf({ mounts, shmSizeBytes }: ImageRunRequest, devices: StepDevices): readonly Mount[] {
  const shared: readonly Mount[] =
    shmSizeBytes === undefined ? [] : [{ type: 'tmpfs', target: '/dev/shm', sizeBytes: shmSizeBytes, readonly: false }];
  const depth = ({ target }: Mount): number => target.split('/').length;
  return [...shared, ...devices.mounts, ...mounts].sort((left, right) => depth(left) - depth(right));
}
