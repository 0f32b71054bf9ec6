import type { WebClient } from '../../registry/http/web-client.js';
import { openTarTree } from '../../layers/tar-tree.js';
import { layout } from '../../store/layout.js';
import type { Store } from '../../store/store.js';
import type { BuildRequest } from '../build-request.js';
import type { GitOperation, HttpOperation } from '../operation.js';
import type { TreeResult } from '../operations/result.js';
import type { StepId } from '../progress.js';
import type { OperationContext } from '../solver/operation-handler.js';
import { createFileTree } from './file-tree.js';

/** How what is elsewhere is reached. */
export interface SourceAccess {
  /** Made when a URL has to be asked. */
  readonly web: () => Promise<WebClient>;
  /** The environment of git, whole. */
  readonly gitEnvironment: () => Promise<Readonly<Record<string, string>>>;
}

export interface SourceFetcherParts {
  readonly store: Pick<Store, 'blobs' | 'records' | 'root' | 'temporaryDirectory'>;
  readonly access: SourceAccess;
  /** Of the build; those called GIT_AUTH_… are for git. */
  readonly secrets: BuildRequest['secrets'];
}

/** The files of URLs and git repositories, as trees. */
export class SourceFetcher {
  readonly #parts: SourceFetcherParts;

  constructor(parts: SourceFetcherParts) {
    this.#parts = parts;
  }

  /** @throws `SOURCE_UNAVAILABLE`, `DIGEST_MISMATCH`, `ABORTED` */
  async fetch(operation: HttpOperation | GitOperation, step: StepId, context: OperationContext): Promise<TreeResult> {
    return operation.kind === 'http' ? this.#http(operation, step, context) : this.#git(operation, context);
  }

  async #http(operation: HttpOperation, step: StepId, { signal, progress }: OperationContext): Promise<TreeResult> {
    const { fetchHttpFile } = await import('./http-file.js');
    const { access, store } = this.#parts;
    const onProgress = (current: number, total: number | undefined): void => {
      progress({
        type: 'transfer',
        step,
        item: operation.name,
        direction: 'read',
        current,
        total,
        done: current === total,
      });
    };
    const file = await fetchHttpFile(operation, { store, web: access.web }, { signal, onProgress });
    const mtime = { seconds: file.modified, nanoseconds: 0 };
    const path = layout.blob(store.root, file.digest);
    return {
      kind: 'tree',
      tree: createFileTree({ path, name: operation.name, size: file.size, mtime }),
      description: 'what was fetched',
      ignored: () => false,
      identity: `${file.digest} ${file.modified} ${operation.name}`,
    };
  }

  async #git(operation: GitOperation, { signal }: OperationContext): Promise<TreeResult> {
    const { fetchGitTree } = await import('./git/git-tree.js');
    const { GitProgram } = await import('./git/git-program.js');
    const { access, store, secrets } = this.#parts;
    const git = new GitProgram(await access.gitEnvironment());
    const { digest } = await fetchGitTree(operation, { store, git, secrets }, signal);
    return {
      kind: 'tree',
      tree: await openTarTree(layout.blob(store.root, digest), { signal }),
      description: 'the repository',
      ignored: () => false,
      identity: digest,
    };
  }
}
