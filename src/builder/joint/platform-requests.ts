import { formatPlatform, hostPlatform, parsePlatform } from '../../oci/platform.js';
import type { BuildRequest } from '../build-request.js';

/** A request for one platform out of several. */
export interface PlatformRequest {
  /** The number of the request that it is of. */
  readonly of: number;
  readonly request: BuildRequest;
}

/** Each request for each of its platforms, once, in the order given. @throws `USAGE` for what is no platform */
export function platformRequests(requests: readonly BuildRequest[]): readonly PlatformRequest[] {
  return requests.flatMap((request, of) => {
    const platforms = distinctPlatforms(request.platforms ?? []);
    if (platforms.length > 1) {
      return platforms.map((platform) => ({ of, request: { ...request, platform, platforms } }));
    }
    const { platforms: _, ...single } = request;
    const [platform = request.platform] = platforms;
    return [{ of, request: platform === undefined ? single : { ...single, platform } }];
  });
}

/** Other names of the same one (`arm64/v8` of `arm64`) are the same. */
export function distinctPlatforms(platforms: readonly string[]): readonly string[] {
  return [...new Set(platforms.map((platform) => formatPlatform(parsePlatform(platform))))];
}

/** The one that stands for all where only one can be: this machine's, or else the first. */
export function mainOf<T extends { readonly platform: string }>(images: readonly T[]): T | undefined {
  const own = formatPlatform(hostPlatform());
  return images.find(({ platform }) => platform === own) ?? images[0];
}
