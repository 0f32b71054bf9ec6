import type { BuildResult } from '../../builder/build-request.js';
import { familiarName, parseReference } from '../../oci/reference.js';

/** What has become of the index that `--manifest` names. */
export function listLine({ name, images }: NonNullable<BuildResult['manifestList']>): string {
  const count = `${images} ${images === 1 ? 'image' : 'images'}`;
  return `manifest list ${familiarName(parseReference(name))} has ${count} now`;
}
