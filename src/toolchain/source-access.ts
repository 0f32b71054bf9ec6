import type { ProgressSink } from '../builder/progress.js';
import type { SourceAccess } from '../builder/sources/source-fetcher.js';
import type { WebClient } from '../registry/http/web-client.js';
import type { Store, StoreLock } from '../store/store.js';
import { VERSION } from '../version.js';

export interface SourceAccessOptions {
  readonly store: Pick<Store, 'lock'>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly progress: ProgressSink;
  readonly signal: AbortSignal;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** How URLs and git repositories are reached with the caller's proxies, certificates and keys. Nothing is made before it is used. */
export function openSourceAccess(options: SourceAccessOptions): SourceAccess & AsyncDisposable {
  const { store, env, signal } = options;
  let lock: Promise<StoreLock> | undefined;
  let web: Promise<WebClient> | undefined;
  const locked = async (): Promise<void> => {
    lock ??= store.lock('shared', { signal });
    await lock;
  };
  return {
    async web() {
      await locked();
      return await (web ??= openWebClient(options));
    },
    async gitEnvironment() {
      await locked();
      const { gitEnvironment } = await import('../builder/sources/git/git-environment.js');
      return gitEnvironment(env);
    },
    async [Symbol.asyncDispose]() {
      (await web?.catch(() => undefined))?.close();
      const held = await lock?.catch(() => undefined);
      held?.[Symbol.dispose]();
    },
  };
}

async function openWebClient({ env, progress, now }: SourceAccessOptions): Promise<WebClient> {
  const { createWebClient } = await import('../registry/http/web-client.js');
  const { proxySettings } = await import('../registry/http/http-proxy.js');
  const { certificateSources } = await import('../registry/http/certificate-authorities.js');
  return createWebClient({
    proxies: proxySettings(env),
    certificates: { ...certificateSources(env, '/'), forHost: () => Promise.resolve(undefined) },
    userAgent: `tsbuild/${VERSION}`,
    now,
    onWarning: (message) => {
      progress({ type: 'warning', message });
    },
  });
}
