import { posix } from 'node:path';
import { normalizePlatform, type Platform } from '../../oci/platform.js';
import type { HistoryEntry } from '../../oci/image.js';
import type { SourceRange } from '../../support/source-range.js';
import type { VertexId } from '../graph.js';
import type { Operation } from '../operation.js';
import type { OutlinedArgument } from '../outline/outline.js';
import type { PlannedHistory, ResolvedBase } from '../plan.js';
import { copyConfigDraft, draftConfig, splitVariable, type ConfigDraft } from './config-draft.js';
import { vertexIdOf } from './graph-builder.js';
import { shownPlatform } from './step-label.js';

/** What BuildKit puts beside each of its history entries; tools recognize images by it. */
const COMMENT = 'buildkit.dockerfile.v0';

/** Beside entries for layers that no instruction made. */
const EXPORTER_COMMENT = 'buildkit.exporter.image.v0';

/** Arguments by which a stage tells BuildKit what to scan: they are no variables of it (dockerfile2llb, nonEnvArgs). */
export const FOR_THE_BUILDER: ReadonlySet<string> = new Set(['BUILDKIT_SBOM_SCAN_CONTEXT', 'BUILDKIT_SBOM_SCAN_STAGE']);

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** A vertex whose label waits for the number of steps that the stage turns out to have. */
export interface PendingStep {
  readonly id: VertexId;
  readonly operation: Operation;
  readonly inputs: readonly VertexId[];
  readonly text: string;
  readonly source: SourceRange;
  readonly platform: string;
}

/** An ARG of the stage itself: what it says there, or nothing where it stands for the global one of its name. */
export interface ArgumentDeclaration {
  readonly name: string;
  readonly argument?: OutlinedArgument;
}

/** A stage while its instructions are gone through: what the next one sees, and what the image will say. */
export class StageDraft {
  /** Whose image this becomes: of the base image, or wanted where there is none. */
  readonly platform: Platform;
  readonly config: ConfigDraft;
  /** Whether all variables are known: not so on a base image that could not be looked up. */
  readonly knowsVariables: boolean;
  author: string | undefined;
  /** The root file system so far. */
  rootfs: VertexId;
  /** Whether a CMD is of this stage itself, so that ENTRYPOINT leaves it. */
  hasOwnCommand = false;
  readonly steps: PendingStep[] = [];
  /** In their order; for an outline of the build. */
  readonly declarations: ArgumentDeclaration[] = [];
  readonly #parent: StageDraft | null;
  readonly #baseHistory: readonly HistoryEntry[];
  readonly #history: PlannedHistory[] = [];
  /** What templates and RUN see, in the order of the last setting: variables of the config and arguments. */
  readonly #variables: Map<string, string>;
  /** Arguments declared so far, and the value each had then. */
  readonly #arguments: Map<string, string>;

  private constructor(options: {
    readonly platform: Platform;
    readonly config: ConfigDraft;
    readonly rootfs: VertexId;
    readonly author?: string | undefined;
    readonly parent?: StageDraft;
    readonly history?: readonly HistoryEntry[];
    readonly knowsVariables?: boolean;
  }) {
    const { parent } = options;
    this.platform = options.platform;
    this.config = options.config;
    this.rootfs = options.rootfs;
    this.author = options.author;
    this.knowsVariables = options.knowsVariables ?? true;
    this.#parent = parent ?? null;
    this.#baseHistory = parent === undefined ? (options.history ?? []) : parent.#baseHistory;
    this.#variables = new Map(parent?.variables);
    this.#arguments = new Map(parent?.declaredArguments);
    this.#inheritVariables();
  }

  /** FROM scratch. */
  static empty(platform: Platform, rootfs: VertexId): StageDraft {
    return new StageDraft({ platform, rootfs, config: draftConfig({ WorkingDir: '/' }) });
  }

  /** FROM an image. */
  static ofImage({ config: image, unknown }: ResolvedBase, rootfs: VertexId): StageDraft {
    const { os, architecture, variant } = image;
    return new StageDraft({
      platform: normalizePlatform({ os, architecture, ...(variant === undefined ? {} : { variant }) }),
      rootfs,
      config: draftConfig(image.config),
      author: image.author,
      history: image.history,
      knowsVariables: unknown !== true,
    });
  }

  /** FROM another stage: config, arguments and history are inherited. */
  static ofStage(parent: StageDraft): StageDraft {
    const { platform, rootfs, author, knowsVariables } = parent;
    return new StageDraft({ platform, rootfs, author, knowsVariables, config: copyConfigDraft(parent.config), parent });
  }

  get variables(): ReadonlyMap<string, string> {
    return this.#variables;
  }

  get declaredArguments(): ReadonlyMap<string, string> {
    return this.#arguments;
  }

  /** Where relative paths start: absolute and normalized, without a slash at its end. */
  get cwd(): string {
    return posix.resolve('/', this.config.workingDir);
  }

  /** ENV: what RUN and templates see, and what the image says; a name that the image has keeps its place in the list. */
  setEnv(name: string, value: string): void {
    this.config.env.set(name, `${name}=${value}`);
    this.#setVariable(name, value);
  }

  /** ARG: what RUN and templates see from here on; without a value it is only declared. */
  declareArgument(name: string, value: string | undefined): void {
    if (value !== undefined && !FOR_THE_BUILDER.has(name)) this.#setVariable(name, value);
    this.#arguments.set(name, value ?? '');
  }

  /** Adds a vertex on top of the root file system; `more` are inputs after it. */
  addStep(operation: Operation, options: { text: string; source: SourceRange; more?: readonly VertexId[] }): void {
    const inputs = [this.rootfs, ...(options.more ?? [])];
    const id = vertexIdOf(operation, inputs);
    const platform = shownPlatform(this.platform, this.#variables);
    this.steps.push({ id, operation, inputs, text: options.text, source: options.source, platform });
    this.rootfs = id;
  }

  /** For an instruction that makes a layer. */
  recordLayer(createdBy: string): void {
    this.#history.push({ created_by: createdBy, comment: COMMENT });
  }

  /** For the layer of a named context, which no instruction makes. */
  recordBase(createdBy: string): void {
    this.#history.push({ created_by: createdBy, comment: EXPORTER_COMMENT });
  }

  /** For an instruction that makes none. */
  recordEmpty(createdBy: string): void {
    this.#history.push({ created_by: createdBy, comment: COMMENT, empty_layer: true });
  }

  /** From the base image down to here. */
  history(): { readonly base: readonly HistoryEntry[]; readonly planned: readonly PlannedHistory[] } {
    const parts = [this.#history];
    for (let draft = this.#parent; draft !== null; draft = draft.#parent) parts.push(draft.#history);
    return { base: this.#baseHistory, planned: parts.reverse().flat() };
  }

  /** The config's variables stand above what a parent stage's ARGs of the same names left behind. */
  #inheritVariables(): void {
    const { env } = this.config;
    if (this.platform.os !== 'windows' && !env.has('PATH')) env.set('PATH', `PATH=${DEFAULT_PATH}`);
    for (const entry of env.values()) this.#setVariable(...splitVariable(entry));
  }

  #setVariable(name: string, value: string): void {
    this.#variables.delete(name);
    this.#variables.set(name, value);
  }
}
