import type { Descriptor } from '../../oci/descriptor.js';
import type { TransferOptions } from '../../oci/image-transfer.js';
import { downloadBlob } from './blob-download.js';
import type { Endpoint } from '../endpoint.js';
import { readForeign } from './foreign-urls.js';
import { ConnectionError, type HttpResponse } from '../http/http-message.js';
import type { RegistryContext } from '../registry-context.js';
import { brokenOff, isOk, readRepository } from '../repository/repository-read.js';

export interface BlobRead {
  /** Of the repository, for errors. */
  readonly name: string;
  readonly descriptor: Descriptor<string>;
  readonly endpoints: readonly Endpoint[];
}

/** A blob's bytes, not checked, from the repository or else from the URLs of its descriptor. @throws `REGISTRY_*`, `ABORTED` */
export async function* readBlob(
  context: RegistryContext,
  { name, descriptor, endpoints }: BlobRead,
  { signal, onBytes, offset: from = 0 }: TransferOptions & { readonly offset?: number } = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const what = `fetch blob "${name}@${descriptor.digest}"`;
  const path = `blobs/${descriptor.digest}`;
  let url: URL | undefined;
  const open = async (offset: number): Promise<HttpResponse> => {
    const headers: Record<string, string> = offset === 0 ? {} : { range: `bytes=${offset}-` };
    const request = { what, path, endpoints, signal, headers, accept: offset === 0 ? isOk : isOkOrRange };
    const response = await readForeign(context, { descriptor, ...request }, async () =>
      readRepository(context, { ...request, method: 'GET' }),
    );
    url = response.url;
    return response;
  };
  try {
    yield* downloadBlob({ descriptor, open, policy: context.policy, onBytes, signal, offset: from });
  } catch (error) {
    if (!(error instanceof ConnectionError) || url === undefined) throw error;
    throw brokenOff({ what, endpoints }, url, { error, attempts: context.policy.attempts });
  }
}

function isOkOrRange(status: number): boolean {
  return status === 200 || status === 206 || status === 416;
}
