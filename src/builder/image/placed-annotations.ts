import { formatPlatform, hostPlatform, parsePlatform } from '../../oci/platform.js';
import { TsbuildError } from '../../support/errors.js';
import type { BuildRequest, PlacedAnnotation } from '../build-request.js';
import { distinctPlatforms } from '../joint/platform-requests.js';

/** The annotations of one document. @param platform of the image it is of; absent: of the index */
export function annotationsAt(
  place: PlacedAnnotation['place'],
  { annotations = {}, placedAnnotations = [] }: BuildRequest,
  platform?: string,
): Readonly<Record<string, string>> {
  const placed = placedAnnotations.filter(
    (one) => one.place === place && (one.platform === undefined || normalized(one.platform) === platform),
  );
  return {
    ...(place === 'manifest' ? annotations : {}),
    ...Object.fromEntries(placed.map(({ name, value }) => [name, value] as const)),
  };
}

/** Before anything is built. @throws `USAGE` for one whose document the build does not make */
export function checkPlacedAnnotations({ placedAnnotations = [], platforms = [], platform }: BuildRequest): void {
  const built = platforms.length === 0 ? [normalized(platform)] : distinctPlatforms(platforms);
  for (const { place, platform: wanted, name } of placedAnnotations) {
    if (place !== 'manifest' && built.length === 1) {
      throw new TsbuildError('USAGE', `cannot annotate the ${place} with "${name}": the build makes no index`, {
        hint: 'A build for one platform makes a manifest only: leave the place out, or write "manifest:".',
      });
    }
    if (wanted !== undefined && !built.includes(normalized(wanted))) {
      throw new TsbuildError('USAGE', `cannot annotate the image for "${wanted}": it is not built`, {
        hint: `The build is for ${built.join(', ')}.`,
      });
    }
  }
}

function normalized(platform: string | undefined): string {
  return formatPlatform(platform === undefined ? hostPlatform() : parsePlatform(platform));
}
