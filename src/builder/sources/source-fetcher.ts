import type { WebClient } from '../../registry/http/web-client.js';
import { openTarTree } from '../../layers/tar-tree.js';
import { layout } from '../../store/layout.js';
import type { Store } from '../../store/store.js';
import type { BuildRequest } from '../build-request.js';
import type { GitOperation, HttpOperation } from '../operation.js';
import type { TreeResult } from '../operations/result.js';
import type { StepId } from '../progress.js';
import type { OperationContext } from '../solver/operation-handler.js';
import type { SourceLock } from '../lock/source-lock.js';
import { createFileTree } from './file-tree.js';
import type { GitTree } from './git/git-tree.js';
import type { ResolvedRef } from './git/git-remote.js';
import type { HttpFile } from './http-file.js';

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
  /** What is pinned of them; absent: nothing. */
  readonly lock?: SourceLock | undefined;
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
    const { access, store, lock } = this.#parts;
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
    const fetch = (wanted: HttpOperation): Promise<HttpFile> =>
      fetchHttpFile(wanted, { store, web: access.web }, { signal, onProgress });
    const file = await (lock === undefined ? fetch(operation) : lock.fetchUrl(operation, fetch));
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
    const { access, store, secrets, lock } = this.#parts;
    const git = new GitProgram(await access.gitEnvironment());
    const fetch = (pinned?: ResolvedRef): Promise<GitTree> =>
      fetchGitTree(operation, { store, git, secrets, pinned }, signal);
    const { digest } = await (lock === undefined ? fetch() : lock.fetchGit(operation, fetch));
    return {
      kind: 'tree',
      tree: await openTarTree(layout.blob(store.root, digest), { signal }),
      description: 'the repository',
      ignored: () => false,
      identity: digest,
    };
  }
}
