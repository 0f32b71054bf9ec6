import { chainIdOf, type ChainId, type Layer } from '../../oci/layer.js';
import type { IgnorePattern } from '../../parser/ignore-file.js';
import type { Tree } from '../../layers/tree.js';
import { invariant } from '../../support/invariant.js';
import type { Vertex, VertexId } from '../graph.js';
import type { SelectionMemory } from './copy/selection-memory.js';

/** A layer of a result; `created` is null for a base image's: its history has its own times. */
export interface ResultLayer extends Layer {
  /** RFC 3339. */
  readonly created: string | null;
}

/** What a vertex gives to those that take it. */
export type Result = FileSystemResult | TreeResult;

/** A root file system, as a stack of layers, lowest first. */
export interface FileSystemResult {
  readonly kind: 'file-system';
  readonly layers: readonly ResultLayer[];
}

/** Of an image that was not built here. */
export function imageFileSystem(layers: readonly Layer[]): FileSystemResult {
  return { kind: 'file-system', layers: layers.map((layer) => ({ ...layer, created: null })) };
}

/** Files to copy from that are no root file system: of a build context, of a git commit, one that was fetched. */
export interface TreeResult {
  readonly kind: 'tree';
  readonly tree: Tree;
  /** `the build context`: for messages. */
  readonly description: string;
  /** Whether a path was left out by an ignore file: for messages. */
  readonly ignored: (path: string) => boolean;
  /** The pattern that left a path out; absent where no file has any. */
  readonly ignoredBy?: (path: string) => IgnorePattern | undefined;
  /** Whether its owners count, as in an archive; those of this host's files do not. */
  readonly hasOwners?: true;
  /** Equal identities are equal trees, down to owners and times: a key that needs no file read. Absent: only the files tell. */
  readonly identity?: string;
  /** Of a folder of this host. */
  readonly memory?: SelectionMemory;
}

export function fileSystemOf(result: Result | undefined): FileSystemResult {
  invariant(result?.kind === 'file-system', 'the input is a root file system');
  return result;
}

/** Of an operation upon a root file system: the vertex that gives it. */
export function rootOf({ inputs: [root] }: Vertex<unknown>): VertexId {
  invariant(root !== undefined, 'the first input is the root file system');
  return root;
}

export function withLayer(base: FileSystemResult, layer: ResultLayer): FileSystemResult {
  return { kind: 'file-system', layers: [...base.layers, layer] };
}

export function resultChainId(result: FileSystemResult): ChainId | null {
  return chainIdOf(result.layers.map(({ diffId }) => diffId));
}
