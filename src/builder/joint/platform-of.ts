import { formatPlatform, hostPlatform, parsePlatform } from '../../oci/platform.js';
import type { BuildRequest } from '../build-request.js';

/** What a request's image is for, as `os/architecture[/variant]`. */
export function platformOf({ platform }: Pick<BuildRequest, 'platform'>): string {
  return formatPlatform(platform === undefined ? hostPlatform() : parsePlatform(platform));
}
