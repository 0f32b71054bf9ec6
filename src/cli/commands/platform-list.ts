import { parsePlatform } from '../../oci/platform.js';

/**
 * Platforms of an option that may be given several times, and takes several with commas. `all` is all of them.
 * @returns `undefined` when none was given
 * @throws `USAGE` for what is no platform
 */
export function platformList(values: readonly string[]): readonly string[] | 'all' | undefined {
  const platforms = values.flatMap((value) => value.split(','));
  if (platforms.length === 0) return undefined;
  if (platforms.includes('all')) return 'all';
  for (const platform of platforms) parsePlatform(platform);
  return platforms;
}
