import type { PlacedAnnotation } from '../../builder/build-request.js';
import { usageError } from '../argv.js';

export interface Annotations {
  /** Of every manifest. */
  readonly annotations: Readonly<Record<string, string>>;
  readonly placed: readonly PlacedAnnotation[];
}

const PLACE = /^(index|manifest|index-descriptor|manifest-descriptor)(?:\[([^\]]+)\])?$/;
const PLACES = /^((?:(?:index|manifest)(?:-descriptor)?(?:\[[^\]]+\])?,?)+):(.*)$/s;

/** `NAME=value`, or `PLACE:NAME=value` in docker buildx's spelling: `index:`, `manifest[linux/amd64]:`, several with commas. @throws `USAGE` */
export function readAnnotations(words: readonly string[]): Annotations {
  return collected(
    words.map((word) => {
      const [, places = 'manifest', rest = word] = PLACES.exec(word) ?? [];
      const equals = rest.indexOf('=');
      if (equals < 0) throw refused(word, 'the value is missing', 'Write NAME=value; an empty value is NAME=.');
      const name = rest.slice(0, equals);
      if (name === '') throw refused(word, 'the name is missing', 'Write NAME=value.');
      return { word, places: places.split(','), name, value: rest.slice(equals + 1) };
    }),
  );
}

/** Those among the keys of an output: `annotation.NAME`, `annotation-manifest[linux/amd64].NAME`. @throws `USAGE` */
export function annotationsAmong(keys: readonly string[], take: (key: string) => string | undefined): Annotations {
  return collected(
    keys.flatMap((key) => {
      const [, place = 'manifest', name] = /^annotation(?:-([a-z-]+(?:\[[^\]]+\])?))?\.(.+)$/.exec(key) ?? [];
      return name === undefined ? [] : [{ word: key, places: [place], name, value: take(key) ?? '' }];
    }),
  );
}

interface ReadAnnotation {
  readonly word: string;
  readonly places: readonly string[];
  readonly name: string;
  readonly value: string;
}

function collected(read: readonly ReadAnnotation[]): Annotations {
  const annotations: [string, string][] = [];
  const placed: PlacedAnnotation[] = [];
  for (const { word, places, name, value } of read) {
    for (const text of places) {
      const [, place, platform] = PLACE.exec(text) ?? [];
      if (place === 'manifest' && platform === undefined) annotations.push([name, value]);
      else placed.push({ ...placeOf(word, place, platform), name, value });
    }
  }
  return { annotations: Object.fromEntries(annotations), placed };
}

function placeOf(
  word: string,
  place: string | undefined,
  platform: string | undefined,
): Pick<PlacedAnnotation, 'place' | 'platform'> {
  if (place === 'manifest' || place === 'manifest-descriptor') return { place, platform };
  if (place === 'index' && platform === undefined) return { place };
  if (place === 'index') throw refused(word, 'an index is of all platforms', 'Write index:NAME=value.');
  const hint =
    'Write NAME=value, manifest:, manifest-descriptor: or index: before it, or a platform as manifest[linux/amd64]:.';
  throw refused(word, `there is no ${place ?? 'such document'} to annotate`, hint);
}

function refused(word: string, state: string, hint: string): Error {
  return usageError({ command: 'tsbuild build' }, `cannot use --annotation "${word}": ${state}`, hint);
}
