import { canonicalJson } from '../../oci/canonical-json.js';
import { digestOf, type Digest } from '../../oci/digest.js';
import type { RecordStore } from '../../store/record-store.js';
import type { BuildRequest } from '../build-request.js';
import { decodeFileList, type KeptFiles, type ListedFile } from './file-list.js';
import type { KeyParts } from './compare-parts.js';

const VERSION = 1;
const MAX_STEPS = 2000;
/** Characters of what one step was known by; more is not kept: the step then counts as one that is not known. */
const MAX_PARTS = 64 << 10;

/** What a step was known by when it was last done or found. */
export interface JournalStep {
  readonly stage: string;
  /** The instruction, as its label has it. */
  readonly text: string;
  /** As `kind` of its operation. */
  readonly kind: string;
  /** All keys of it that are known. */
  readonly keys: readonly string[];
  readonly parts: KeyParts;
  /** Stands for the root file system it gave, or for the files. */
  readonly result: string;
  /** By which the lists of its files are found. */
  readonly files: readonly string[];
}

interface EncodedJournal {
  readonly version: typeof VERSION;
  readonly steps: readonly JournalStep[];
}

/**
 * What the steps of one build were known by: of one Dockerfile, context folder, target and platform. A record like others:
 * without it nothing is done again, and less can be told.
 */
export class BuildJournal {
  readonly #records: RecordStore;
  readonly #key: Digest;
  readonly #build: string;

  constructor(
    records: RecordStore,
    request: Pick<BuildRequest, 'dockerfile' | 'contextDirectory' | 'target' | 'platform'>,
  ) {
    const { dockerfile, contextDirectory, target, platform } = request;
    this.#records = records;
    this.#build = canonicalJson([dockerfile.name, contextDirectory, target ?? null, platform ?? null]);
    this.#key = digestOf(`build ${this.#build}`);
  }

  /** What cannot be read is none. */
  async load(): Promise<readonly JournalStep[]> {
    const { version, steps } = ((await this.#records.load('build', this.#key)) ?? {}) as Partial<EncodedJournal>;
    return version === VERSION && Array.isArray(steps) ? steps.filter(isStep) : [];
  }

  async loadFiles(files: string): Promise<ReadonlyMap<string, ListedFile> | undefined> {
    return decodeFileList(await this.#records.load('build', this.#filesKey(files)));
  }

  /** Takes the place of what was there; lists of files that no step has any more go. */
  async save(
    steps: readonly JournalStep[],
    lists: ReadonlyMap<string, KeptFiles>,
    former: readonly JournalStep[],
  ): Promise<void> {
    const kept = steps.filter(({ parts }) => JSON.stringify(parts).length <= MAX_PARTS).slice(0, MAX_STEPS);
    const named = new Set(kept.flatMap(({ files }) => files));
    for (const [name, list] of lists) {
      const files = named.has(name) ? await list.encode() : undefined;
      if (files !== undefined) await this.#records.save('build', this.#filesKey(name), files);
    }
    await this.#records.save('build', this.#key, { version: VERSION, steps: kept } satisfies EncodedJournal);
    const gone = former.flatMap(({ files }) => files).filter((name) => !named.has(name));
    for (const name of gone) await this.#records.delete('build', this.#filesKey(name));
  }

  #filesKey(files: string): Digest {
    return digestOf(`files ${this.#build} ${files}`);
  }
}

function isStep(value: unknown): value is JournalStep {
  const { stage, text, kind, keys, parts, result, files } = (value ?? {}) as Partial<
    Record<keyof JournalStep, unknown>
  >;
  return (
    [stage, text, kind, result].every((each) => typeof each === 'string') &&
    [keys, files].every((list) => Array.isArray(list) && list.every((each) => typeof each === 'string')) &&
    typeof parts === 'object' &&
    parts !== null
  );
}
