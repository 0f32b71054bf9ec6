import { once } from 'node:events';
import { Socket } from 'node:net';
import { PassThrough, type Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { askWorker, placeOf, type OrdinaryUserOptions } from './build-in-namespace.js';
import { exportCacheMount, importCacheMount, type CacheMountArchiveOptions } from '../outputs/cache-mount-archives.js';
import { abortable } from '../../support/byte-streams.js';

// Archives of cache mounts are read and written by the process in the user namespace: their bytes go through a socket.

/** The worker's descriptor. */
const TRANSFER = 4;

type Options = Pick<OrdinaryUserOptions, 'store' | 'env' | 'signal'>;

const QUIET = { progress: (): void => undefined };

/** As `exportCacheMount`. */
export async function* exportCacheMountAsOrdinaryUser(
  id: string,
  { store, env, signal }: Options,
): AsyncGenerator<Uint8Array, void, undefined> {
  const stop = new AbortController();
  const archive = new PassThrough();
  const asked = askWorker(
    { type: 'export-cache-mount', store: placeOf(store), id },
    {
      env,
      ...QUIET,
      signal: AbortSignal.any([signal, stop.signal]),
      // The archive ends when the worker says so, not with the socket, which a crash closes as well.
      transfer: (socket) => pipeline(socket, archive, { end: false }),
    },
  ).then(
    () => archive.end(),
    (error: unknown) => archive.destroy(error as Error),
  );
  try {
    yield* archive;
  } finally {
    stop.abort();
    archive.destroy();
    await asked;
  }
}

/** As `importCacheMount`. */
export async function importCacheMountAsOrdinaryUser(
  id: string,
  tar: AsyncIterable<Uint8Array>,
  { store, env, signal }: Options,
): Promise<void> {
  const message = { type: 'import-cache-mount', store: placeOf(store), id } as const;
  await askWorker(message, { env, ...QUIET, signal, transfer: (socket, ended) => feed(tar, socket, ended) });
}

/** What fails leaves the socket open: its end means that the archive is whole. */
async function feed(tar: AsyncIterable<Uint8Array>, socket: Duplex, ended: AbortSignal): Promise<void> {
  for await (const chunk of abortable(tar, 'read the archive', ended)) {
    if (!socket.write(chunk)) await once(socket, 'drain', { signal: ended });
  }
  socket.end();
}

/** The side of the worker. */
export async function transferCacheMount(
  { type, id }: { readonly type: 'export-cache-mount' | 'import-cache-mount'; readonly id: string },
  options: CacheMountArchiveOptions,
): Promise<void> {
  const socket = new Socket({ fd: TRANSFER, readable: true, writable: true });
  try {
    if (type === 'export-cache-mount') await pipeline(exportCacheMount(id, options), socket, options);
    else await importCacheMount(id, socket, options);
  } finally {
    socket.destroy();
  }
}
