import type { Descriptor } from '../../oci/descriptor.js';
import type { ManifestMediaType } from '../../oci/media-type.js';
import type { HostEntry, Mount, ResourceLimit, RunSpec } from '../../sandbox/run-spec.js';
import type { BuildRequest } from '../build-request.js';

/** How an image of the store is to be tried. Plain data: it crosses process boundaries. What is absent is the image's. */
export interface ImageRunRequest {
  readonly manifest: Descriptor<ManifestMediaType>;
  /** Instead of the image's, and of its CMD; an empty one: none. */
  readonly entrypoint?: readonly string[] | undefined;
  /** Instead of the image's CMD, if there is any. */
  readonly command: readonly string[];
  /** `NAME=value`, over those of the image; the last one of a name counts. */
  readonly env: readonly string[];
  readonly user?: string | undefined;
  /** Absolute. */
  readonly cwd?: string | undefined;
  readonly hostname?: string | undefined;
  readonly network: RunSpec['network'];
  readonly hosts: readonly HostEntry[];
  readonly limits: readonly ResourceLimit[];
  readonly nameResolution?: RunSpec['nameResolution'];
  readonly allowance?: RunSpec['allowance'];
  /** Of /dev/shm; absent: Docker's 64 MiB. */
  readonly shmSizeBytes?: number | undefined;
  readonly mounts: readonly Mount[];
  /** CDI names, as `nvidia.com/gpu=all`. */
  readonly devices: readonly string[];
  readonly cdiDirectories: readonly string[];
  /** Nothing can be written but to mounts. */
  readonly readonlyRoot: boolean;
  readonly isolation?: BuildRequest['isolation'];
  /** Proxy variables of the caller's environment. */
  readonly proxyEnv: Readonly<Record<string, string>>;
}
