import type { Digest } from '../oci/digest.js';
import type { ContainerConfig, HistoryEntry, ImageConfig } from '../oci/image.js';
import type { Platform } from '../oci/platform.js';
import type { SourceRange } from '../support/source-range.js';
import type { BuildGraph } from './graph.js';
import type { Operation } from './operation.js';
import type { LayoutImage } from './plan/layout-image.js';
import type { Remark } from './plan/remarks.js';

/** A base image as planning needs it: which one, and what a build inherits from it. */
export interface ResolvedBase {
  /** Normalised, as `docker.io/library/debian:latest`. */
  readonly reference: string;
  readonly manifest: Digest;
  readonly config: ImageConfig;
  /** Nothing is known of it: it stands in for an image that could not be looked up, in a check. */
  readonly unknown?: true;
}

/**
 * Looks a base image up, by its reference here or in its registry, or in an OCI image layout. Called once for each one and
 * platform that a needed stage names.
 */
export type BaseResolver = (
  name: string | LayoutImage,
  platform: Platform,
  source: SourceRange,
) => Promise<ResolvedBase>;

/** Another build of the same call, which is planned before the one that uses it. */
export interface LinkedBuild {
  /** What it is called. */
  readonly called: string;
  /** Among the builds that are solved together. */
  readonly number: number;
  readonly plan: BuildPlan;
}

/** Finds the build that a named context is the result of. @throws `SOURCE_UNAVAILABLE` when there is none before this one */
export type LinkResolver = (called: string, platform: Platform) => Promise<LinkedBuild>;

/** What will be in the history, one entry an instruction; `created` is filled in when the layers are known. */
export type PlannedHistory = Omit<HistoryEntry, 'created'>;

/** A Dockerfile with all that is known before anything is done: what to do, and what the image's config will say. */
export interface BuildPlan {
  /** To be said once, when the build begins. */
  readonly remarks: readonly Remark[];
  readonly graph: BuildGraph<Operation>;
  readonly image: {
    readonly platform: Platform;
    readonly author?: string;
    readonly config: ContainerConfig;
    /** Of the base image, with its own times. */
    readonly baseHistory: readonly HistoryEntry[];
    /**
     * Of the instructions since, in order. The entries that are not `empty_layer` belong, in order, to the layers that the
     * target vertex's result has beyond the base image's.
     */
    readonly history: readonly PlannedHistory[];
  };
}
