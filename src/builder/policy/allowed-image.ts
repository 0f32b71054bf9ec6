import { formatReference, type Reference } from '../../oci/reference.js';
import type { ProgressSink } from '../progress.js';
import type { SourcePolicy } from './policy-rules.js';

/** The image itself, or what source policies have in its place, which is told. @throws as `imageByPolicy` */
export async function allowedImage(
  reference: Reference,
  {
    policies = [],
    progress,
  }: { readonly policies?: readonly SourcePolicy[] | undefined; readonly progress: ProgressSink },
): Promise<Reference> {
  if (policies.length === 0) return reference;
  const { imageByPolicy } = await import('./source-policy.js');
  const allowed = imageByPolicy(policies, reference);
  const [before, after] = [formatReference(reference), formatReference(allowed)];
  if (before !== after) progress({ type: 'notice', message: `a source policy has ${after} in the place of ${before}` });
  return allowed;
}
