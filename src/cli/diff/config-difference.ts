import type { ImageConfig, ImageManifest } from '../../oci/image.js';
import { formatPlatform } from '../../oci/platform.js';
import { compareBytes } from '../../support/byte-string.js';

/** A value that two images do not have alike, as their documents spell it; `undefined` where one has none. */
export interface ConfigChange {
  readonly name: string;
  /** Of what a value is one of: the variable, the label, the port. */
  readonly key?: string | undefined;
  readonly before?: unknown;
  readonly after?: unknown;
}

export interface ImageDocuments {
  readonly config: ImageConfig;
  readonly manifest: Pick<ImageManifest, 'annotations'>;
}

/** @param times whether the time of their making counts. @returns sorted by name and key */
export function configDifference(
  before: ImageDocuments,
  after: ImageDocuments,
  { times }: { readonly times: boolean },
): readonly ConfigChange[] {
  const [old, current] = [valuesOf(before, times), valuesOf(after, times)];
  const ids = [...new Set([...old.keys(), ...current.keys()])].sort(compareBytes);
  return ids.flatMap((id) => {
    const [was, is] = [old.get(id), current.get(id)];
    const place = was ?? is;
    if (place === undefined || JSON.stringify(was?.value) === JSON.stringify(is?.value)) return [];
    const { name, key } = place;
    return [{ name, ...(key === undefined ? {} : { key }), before: was?.value, after: is?.value }];
  });
}

interface Value {
  readonly name: string;
  readonly key?: string;
  readonly value: unknown;
}

function valuesOf(documents: ImageDocuments, times: boolean): ReadonlyMap<string, Value> {
  const given = listed(documents, times).filter(({ value, key }) => key !== undefined || !isNothing(value));
  return new Map(given.map((each) => [JSON.stringify([each.name, each.key]), each]));
}

/** `[]` and no ONBUILD at all mean the same. */
function isNothing(value: unknown): boolean {
  return value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0);
}

function listed({ config, manifest }: ImageDocuments, times: boolean): readonly Value[] {
  const { Env, Labels, ExposedPorts, Volumes, ...rest } = config.config;
  return [
    { name: 'Platform', value: formatPlatform(config) },
    { name: 'Author', value: config.author },
    { name: 'Created', value: times ? config.created : undefined },
    ...(Env ?? []).map(variableOf),
    ...keyed('Label', Labels),
    ...keyed('ExposedPort', ExposedPorts),
    ...keyed('Volume', Volumes),
    ...keyed('Annotation', manifest.annotations),
    ...Object.entries(rest).map(([name, value]) => ({ name, value })),
  ];
}

function variableOf(text: string): Value {
  const [, key = text, value = ''] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
  return { name: 'Env', key, value };
}

function keyed(name: string, values: Readonly<Record<string, unknown>> | undefined): readonly Value[] {
  return Object.entries(values ?? {}).map(([key, value]) => ({ name, key, value }));
}
