import type { CacheMountName, CacheMounts } from '../../store/cache-mounts.js';
import type { TsbuildError } from '../../support/errors.js';
import type { BuildRequest, FileTimes } from '../build-request.js';
import type { TreeSnapshots } from './run/tree-snapshots.js';
import type { ChainId, Layer } from '../../oci/layer.js';
import type { LayerTrees } from '../../layers/index/layer-trees.js';
import type { Snapshotter } from '../../layers/snapshotter.js';
import type { LayerThreads } from '../../layers/unpack/layer-threads.js';
import type { Store } from '../../store/store.js';
import type { Sandbox } from '../../sandbox/sandbox.js';
import type { ContextOperation, GitOperation, HttpOperation, ImageOperation } from '../operation.js';
import type { FileSystemResult, TreeResult } from './result.js';
import type { Fetching } from '../remote/remote-layers.js';
import type { OperationContext, Present } from '../solver/operation-handler.js';
import type { VertexId } from '../graph.js';
import type { StepId } from '../progress.js';
import type { OpenVisit } from '../visit.js';

/** What doing a step takes, beyond looking it up. Made when the first step has to be done: most builds need none of it. */
export interface Workshop extends AsyncDisposable {
  readonly snapshotter: Snapshotter;
  /** Without them layers are unpacked one after the other. */
  readonly layerThreads?: LayerThreads;
  readonly sandbox: Sandbox;
  /** Of the snapshotter's id mapping. */
  readonly cacheMounts: CacheMounts;
  /** Writes the files of a tree into an empty directory. */
  readonly fillDirectory: (directory: string, tar: AsyncIterable<Uint8Array>, signal: AbortSignal) => Promise<void>;
  readonly treeSnapshots: TreeSnapshots;
  /** The right to unpack a stack of layers, which other processes may be unpacking too. Waits; @throws `ABORTED` */
  readonly claimUnpacking: (id: ChainId, options: { readonly signal: AbortSignal }) => Promise<Disposable>;
  /** Absolute; of this process alone. */
  readonly temporaryDirectory: string;
}

/** The files that a cache mount had elsewhere. */
export interface ImportedMount {
  readonly archive: AsyncIterable<Uint8Array>;
  /** To be told when the archive turns out to be of no use. */
  readonly leftOut: (error: TsbuildError) => void;
}

/** What the operations work with. */
export interface OperationParts {
  readonly store: Pick<Store, 'root' | 'blobs' | 'layerIndexes'>;
  readonly workshop: () => Promise<Workshop>;
  /** Root file systems by the indexes of their layers; those of one build. */
  readonly layerTrees: () => Promise<LayerTrees>;
  readonly openContext: (operation: ContextOperation) => Promise<TreeResult>;
  /** What is fetched from elsewhere: a URL, a git repository. */
  readonly fetchTree: (
    operation: HttpOperation | GitOperation,
    step: StepId,
    context: OperationContext,
  ) => Promise<TreeResult>;
  /** The base image's layers, whether or not they are here: nothing is fetched. */
  readonly presentImage: (operation: ImageOperation, step: StepId) => Promise<Present<FileSystemResult>>;
  /** Brings layers of results into the store that are not there. */
  readonly fetchLayers: (layers: readonly Layer[], fetching: Fetching) => Promise<void>;
  /** What an imported cache has of a cache mount; absent: nothing. */
  readonly importedMount?:
    ((name: CacheMountName, fetching: Fetching) => Promise<ImportedMount | undefined>) | undefined;
  /** Whether a step still to be done runs upon the root file system that a vertex gives, or mounts it, and so unpacks it. */
  readonly isRunUpon: (vertex: VertexId) => boolean;
  /** Seconds since 1970 for every time that goes into the image, or `undefined`: times are as they come. */
  readonly sourceDateEpoch: number | undefined;
  /** What that means for files; absent: bounded. */
  readonly fileTimes?: FileTimes | undefined;
  readonly proxyEnv: Readonly<Record<string, string>>;
  /** What steps have of the caller's that goes into no key. */
  readonly given: Pick<
    BuildRequest,
    'secrets' | 'ssh' | 'cdiDirectories' | 'devices' | 'entitlements' | 'nameResolution' | 'allowance' | 'keepsGroups'
  >;
  /** Who is let into the sandbox of a step that failed; absent: nobody. */
  readonly openVisit: OpenVisit | undefined;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Waits until a slow receiver of events has caught up. */
  readonly drain: () => Promise<void>;
}
