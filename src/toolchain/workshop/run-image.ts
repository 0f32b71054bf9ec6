import { createBuilderParts, type BuilderPartsOptions } from '../builder-parts.js';
import type { ImageRunRequest } from '../../builder/image-run/image-run-request.js';
import { runImage } from '../../builder/image-run/run-image.js';
import type { OpenVisit } from '../../builder/visit.js';
import type { RunResult } from '../../sandbox/sandbox.js';

/** Runs an image of the store, as root of this host or of a user namespace. The store is locked against collectors meanwhile. */
export async function runImageHere(
  request: ImageRunRequest,
  options: Omit<BuilderPartsOptions, 'request' | 'openVisit'> & { readonly openVisit: OpenVisit },
): Promise<RunResult> {
  const { store, openVisit, progress, signal } = options;
  await using parts = createBuilderParts({ ...options, request: { isolation: request.isolation } });
  // One run, and no more are made ready.
  const workshop = (): ReturnType<typeof parts.workshop> => parts.workshop(() => 0);
  return await runImage(request, { store, workshop, openVisit, progress, signal });
}
