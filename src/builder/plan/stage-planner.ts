import { formatPlatform, type Platform } from '../../oci/platform.js';
import type { ParseWarning, Stage } from '../../parser/instruction.js';
import { invariant } from '../../support/invariant.js';
import type { SourceRange } from '../../support/source-range.js';
import type { VertexId } from '../graph.js';
import { locating } from '../locating.js';
import type { GitOperation, HttpOperation, ImageOperation } from '../operation.js';
import { applyInstruction } from './apply-instruction.js';
import type { BaseImage } from './base-lookup.js';
import type { IgnoredPaths } from './checks/ignored-paths.js';
import { StageChecks } from './checks/instruction-checks.js';
import { isTreeSource, type FileSource, type TreeSource } from './file-source.js';
import type { GlobalArguments } from './global-arguments.js';
import { GraphBuilder, vertexIdOf } from './graph-builder.js';
import { contextOf, type BuildScope, type StepSettings } from './instruction-context.js';
import type { NeededStage } from './needed-stages.js';
import { StageDraft } from './stage-draft.js';
import { stepLabel } from './step-label.js';

type RemoteOperation = HttpOperation | GitOperation;

export interface PlannerOptions {
  readonly globals: GlobalArguments;
  readonly given: ReadonlyMap<string, string>;
  readonly contextHasOwners: boolean;
  readonly steps: StepSettings;
  readonly targetPlatform: Platform;
  /** The numbers of stages whose steps are done anew. */
  readonly freshStages: ReadonlySet<number>;
  /** Of one of several builds: what labels begin with. */
  readonly called: string | undefined;
  /** Whether labels name their stage. */
  readonly manyStages: boolean;
  /** Whether they name the platform. */
  readonly manyPlatforms: boolean;
  /** What is to be fetched in its place, by the request's source policies. @throws `SOURCE_DENIED` */
  readonly allow: (operation: RemoteOperation) => RemoteOperation;
  /** What COPY of the build context finds left out. */
  readonly ignored: () => IgnoredPaths | undefined;
  readonly warn: (warning: ParseWarning) => void;
}

/** Goes through stages in the order of the file, and collects what they do in one graph. */
export class StagePlanner implements BuildScope {
  readonly graph: GraphBuilder = new GraphBuilder();
  readonly #options: PlannerOptions;
  readonly #drafts = new Map<number, StageDraft>();
  readonly #checks = new Map<number, StageChecks>();

  constructor(options: PlannerOptions) {
    this.#options = options;
  }

  get globals(): GlobalArguments {
    return this.#options.globals;
  }

  get given(): ReadonlyMap<string, string> {
    return this.#options.given;
  }

  get contextHasOwners(): boolean {
    return this.#options.contextHasOwners;
  }

  get steps(): StepSettings {
    return this.#options.steps;
  }

  context(): VertexId {
    const { called } = this.#options;
    return this.graph.addSource(
      { kind: 'context' },
      `[${called === undefined ? '' : `${called} `}internal] load build context`,
    );
  }

  rootfsOf(from: FileSource, place: SourceRange): VertexId {
    switch (from.kind) {
      case 'stage':
        return this.#planned(from.index).rootfs;
      case 'scratch':
        return this.graph.addSource({ kind: 'scratch' }, 'FROM scratch');
      case 'context':
        return this.graph.addSource({ kind: 'context', name: from.name }, from.label, { source: place });
      case 'remote':
        return this.graph.addSource(this.#allowed(from.operation, place), from.label, { source: place });
      case 'build': {
        const { number, called } = from.build;
        return this.graph.addSource({ kind: 'linked', build: number }, `FROM ${called}`, { source: place });
      }
      case 'image': {
        const operation = imageOperation(from.image);
        return this.graph.addSource(operation, `FROM ${operation.reference}`, { source: place });
      }
    }
  }

  #allowed(operation: RemoteOperation, source: SourceRange): RemoteOperation {
    return locating({ source }, () => this.#options.allow(operation));
  }

  /** Stages that this one starts or copies from have been planned before. */
  plan(needed: NeededStage): StageDraft {
    const draft = this.#begin(needed);
    const checks = this.#beginChecks(needed);
    for (const command of needed.commands) {
      const { instruction, isTrigger } = command;
      const text = instruction.text.replace(/^\w+/, instruction.keyword);
      const shown = { ...instruction, text: isTrigger ? `ONBUILD ${text}` : text };
      checks.begin(command, draft);
      applyInstruction(shown, contextOf(command, { draft, build: this, checks: checks.at(command) }));
    }
    this.#label(needed, draft);
    this.#drafts.set(needed.stage.index, draft);
    return draft;
  }

  #begin({ base, stage }: NeededStage): StageDraft {
    if (base.kind === 'stage') return StageDraft.ofStage(this.#planned(base.index));
    if (base.kind === 'build') return StageDraft.ofBuild(base.build.plan, this.rootfsOf(base, stage.source));
    if (base.kind !== 'image') {
      const draft = StageDraft.empty(this.#options.targetPlatform, this.rootfsOf({ kind: 'scratch' }, stage.source));
      if (isTreeSource(base)) this.#addFiles(base, stage, draft);
      return draft;
    }
    return StageDraft.ofImage(base.image.resolved, vertexIdOf(imageOperation(base.image), []));
  }

  #beginChecks({ base, stage }: NeededStage): StageChecks {
    const { warn, ignored } = this.#options;
    const checks = new StageChecks({
      warn,
      ignored,
      base: base.kind === 'stage' ? this.#checks.get(base.index) : undefined,
    });
    this.#checks.set(stage.index, checks);
    return checks;
  }

  /** FROM a named context that is no image: its files are the first layer. */
  #addFiles(base: TreeSource, { text, source }: Stage, draft: StageDraft): void {
    const operation = {
      kind: 'copy',
      keyword: 'COPY',
      fromContext: true,
      sources: [{ kind: 'path', input: 1, pattern: '' }],
      destination: '/',
    } as const;
    draft.addStep(operation, { text, source, more: [this.rootfsOf(base, source)] });
    draft.recordBase(base.label);
  }

  /** FROM an image counts as a step; FROM a stage does nothing, nor does FROM scratch. */
  #label({ base, stage }: NeededStage, { steps }: StageDraft): void {
    const first = base.kind === 'image' ? 1 : 0;
    const total = steps.length + first;
    const { called, manyStages, manyPlatforms } = this.#options;
    const stageName = stage.name ?? `stage-${stage.index}`;
    const name = manyStages ? stageName : undefined;
    const shown = (platform: string): Pick<Parameters<typeof stepLabel>[0], 'called' | 'stage' | 'platform'> => ({
      called,
      stage: name,
      platform: manyPlatforms ? platform : undefined,
    });
    if (base.kind === 'image') {
      const operation = imageOperation(base.image);
      const { reference } = operation;
      const label = stepLabel({
        ...shown(formatPlatform(operation.platform)),
        number: 1,
        total,
        text: `FROM ${reference}`,
      });
      this.graph.addSource(operation, label, { stage: stageName, source: stage.source });
    }
    const fresh = this.#options.freshStages.has(stage.index) ? true : undefined;
    for (const [index, { text, platform, ...vertex }] of steps.entries()) {
      const label = stepLabel({ ...shown(platform), number: index + 1 + first, total, text });
      this.graph.add({ ...vertex, stage: stageName, fresh, label });
    }
  }

  #planned(index: number): StageDraft {
    const draft = this.#drafts.get(index);
    invariant(draft !== undefined, `stage ${index} is used before it is planned`);
    return draft;
  }
}

function imageOperation({ resolved, platform }: BaseImage): ImageOperation {
  return { kind: 'image', reference: resolved.reference, manifest: resolved.manifest, platform };
}
