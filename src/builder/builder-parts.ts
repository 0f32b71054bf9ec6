import type { RegistryClient } from '../registry/registry-client.js';
import type { Store } from '../store/store.js';
import type { Limiter } from '../support/limiter.js';
import type { Workshop } from './operations/operation-parts.js';
import type { ClaimWork } from './operations/step-cache.js';
import type { ProgressSink } from './progress.js';
import type { OpenVisit } from './visit.js';
import type { SourceAccess } from './sources/source-fetcher.js';

export interface BuilderParts {
  readonly store: Store;
  /** Made when a registry has to be asked. */
  readonly registry: () => Promise<RegistryClient>;
  /** Made when a step has to be done; `upcoming` tells how many RUN steps may follow those that have begun. */
  readonly workshop: (upcoming: () => number) => Promise<Workshop>;
  readonly limiter: Limiter;
  /** How what is elsewhere is reached. */
  readonly sources: SourceAccess;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Waits until a slow receiver of events has caught up. */
  readonly drain: () => Promise<void>;
  /** Who is let into the sandbox of a step that failed; absent: nobody. */
  readonly openVisit?: OpenVisit | undefined;
  /** For a second time, in a store of its own, of which nothing stays. */
  readonly again: () => Promise<BuilderParts & AsyncDisposable>;
  /** The right to do a step that another process may be doing. */
  readonly claim: ClaimWork;
}

export interface BuildOptions {
  readonly progress: ProgressSink;
  readonly signal: AbortSignal;
}
