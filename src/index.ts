/**
 * tsbuild as a library: builds container images from Dockerfiles, and pulls, pushes, saves and loads them.
 *
 *     const tools = await createToolchain({ storeRoot: '/var/tmp/store', env: process.env });
 *     const { imageId } = await tools.build(buildRequest({ dockerfile, contextDirectory }), { progress: console.error });
 *
 * @packageDocumentation
 */
export { createToolchain } from './toolchain.js';
export { login, logout } from './toolchain/transfer/login.js';
export { buildRequest } from './builder/build-request.js';
export { checkDockerfile } from './builder/check/check-dockerfile.js';
export { outlineDockerfile } from './builder/outline/outline-dockerfile.js';
export { parseDockerfile } from './parser/parse-dockerfile.js';
export { decodePins, encodePins } from './builder/lock/lock-document.js';
export { mergedPins } from './builder/lock/pins.js';
export { formatReference, parseReference } from './oci/reference.js';
export { formatImageLocation, parseImageLocation } from './registry/copy/image-location.js';
export { formatPlatform, hostPlatform, parsePlatform } from './oci/platform.js';
export { ERROR_CODES, isTsbuildError, TsbuildError } from './support/errors.js';
export { VERSION } from './version.js';

export type {
  ArchiveFormat,
  BootstrapRequest,
  BuildOptions,
  CopiedImage,
  CopyOptions,
  FetchContextOptions,
  ImageDetails,
  ImageFilesOptions,
  LoadedImage,
  LoadOptions,
  PruneOptions,
  PulledImage,
  PullOptions,
  PushedImage,
  PushOptions,
  SavedFile,
  SaveFilesOptions,
  SaveOptions,
  Toolchain,
  ToolchainOptions,
} from './toolchain/toolchain-types.js';
export type { ImageFiles } from './toolchain/image-files.js';
export type { ActivityOptions } from './toolchain/activity-options.js';
export type { PrunedCacheMount, Removal } from './toolchain/care/store-care-types.js';
export type { BuildOutput, ByteSink } from './toolchain/outputs/build-output.js';
export type { CacheTarget } from './toolchain/outputs/cache-target.js';
export type {
  Amount,
  CacheUsage,
  CheckStoreOptions,
  DiskUsage,
  ImageUsage,
  PruneResult,
  PruneStoreOptions,
  SnapshotUsage,
  StoreFinding,
} from './toolchain/care/store-care-types.js';
export type { AccessOptions, LoginRequest } from './toolchain/transfer/login.js';
export type { CredentialKeeper } from './registry/config/credential-writer.js';
export type {
  BuildRequest,
  BuildResult,
  CacheSource,
  ContextFile,
  ContextSource,
  FileTimes,
  NamedContext,
  SshSource,
} from './builder/build-request.js';
export type { GitPin, LockRequest, Pins } from './builder/lock/pins.js';
export type { AspectDifference, FileDifference, LayerDifference } from './builder/reproduce/file-difference.js';
export type { CheckActivity, CheckRequest, CheckResult, CheckWarning } from './builder/check/check-dockerfile.js';
export type { Outline, OutlinedArgument, OutlinedSecret } from './builder/outline/outline.js';
export type { BuildExplanation, ExplainedStep } from './builder/explain/build-explanation.js';
export type { FileChange, KeyChange } from './builder/explain/key-change.js';
export type { BaseResolver, BuildPlan } from './builder/plan.js';
export type { RegistrySettings } from './registry/config/registry-settings.js';
export type { ImageLocation } from './registry/copy/image-location.js';
export type { ProgressEvent, ProgressSink } from './builder/progress.js';
export type { Dockerfile, Instruction, Stage } from './parser/instruction.js';
export type { Digest } from './oci/digest.js';
export type { Descriptor } from './oci/descriptor.js';
export type { ImageConfig, ImageIndex, ImageManifest } from './oci/image.js';
export type { Platform } from './oci/platform.js';
export type { Reference } from './oci/reference.js';
export type { ErrorCode } from './support/errors.js';
export type { SourceRange } from './support/source-range.js';
