import type { Dockerfile } from '../../parser/instruction.js';
import { expandTemplate } from '../../parser/expand-template.js';
import { formatPlatform, type Platform } from '../../oci/platform.js';
import type { BuildRequest } from '../build-request.js';
import { orUndefined } from './checks/or-undefined.js';

/** The arguments that FROM lines see, and that an `ARG name` without a default takes its value from. */
export type GlobalArguments = ReadonlyMap<string, string>;

export interface Platforms {
  /** The machine that builds. */
  readonly build: Platform;
  /** The machine that the image is for. */
  readonly target: Platform;
}

/** What `--build-arg` gives, and SOURCE_DATE_EPOCH, which a Dockerfile may ask for by ARG like any other. */
export function buildArguments(
  request: Pick<BuildRequest, 'buildArgs' | 'sourceDateEpoch'>,
): ReadonlyMap<string, string> {
  const values = new Map(Object.entries(request.buildArgs));
  if (request.sourceDateEpoch !== undefined && !values.has('SOURCE_DATE_EPOCH')) {
    values.set('SOURCE_DATE_EPOCH', String(request.sourceDateEpoch));
  }
  return values;
}

/** @throws `DOCKERFILE_SYNTAX` or `DOCKERFILE_SEMANTICS` when a default cannot be expanded and no build argument replaces it */
export function globalArguments(options: {
  readonly dockerfile: Dockerfile;
  readonly given: ReadonlyMap<string, string>;
  readonly target: string | undefined;
  readonly platforms: Platforms;
}): GlobalArguments {
  const { dockerfile, given } = options;
  const values = new Map<string, string>();
  for (const [name, value] of predefined(options)) values.set(name, given.get(name) ?? value);
  for (const { entries, source, text } of dockerfile.globalArgs) {
    for (const { name, value } of entries) {
      const replaced = given.get(name);
      if (replaced !== undefined) values.set(name, replaced);
      else if (value !== undefined) {
        const env = (key: string): string | undefined => values.get(key);
        values.set(name, expandTemplate(value, { env, escape: dockerfile.escape, source, within: text }));
      }
    }
  }
  return values;
}

/** As `globalArguments` without `--build-arg`, but for those of the platform; `undefined` if a default cannot be expanded. */
export function defaultArguments(options: Parameters<typeof globalArguments>[0]): GlobalArguments | undefined {
  const names = new Set(predefined(options).map(([name]) => name));
  const given = new Map([...options.given].filter(([name]) => names.has(name)));
  return orUndefined(() => globalArguments({ ...options, given }));
}

function predefined(options: {
  readonly dockerfile: Dockerfile;
  readonly target: string | undefined;
  readonly platforms: Platforms;
}): readonly (readonly [string, string])[] {
  const { build, target } = options.platforms;
  const stage = emptyIsNone(options.target) ?? options.dockerfile.stages.at(-1)?.name ?? 'default';
  return [...platformArguments('BUILD', build), ...platformArguments('TARGET', target), ['TARGETSTAGE', stage]];
}

/** What `--build-arg` may replace without any ARG. */
export const PLATFORM_ARGUMENTS: readonly string[] = [
  ...['BUILD', 'TARGET'].flatMap((prefix) =>
    ['PLATFORM', 'OS', 'OSVERSION', 'ARCH', 'VARIANT'].map((name) => prefix + name),
  ),
  'TARGETSTAGE',
];

/** Docker's "automatic platform ARGs". Linux has no version in its platform: the *OSVERSION are empty. */
function platformArguments(prefix: string, platform: Platform): readonly (readonly [string, string])[] {
  return [
    [`${prefix}PLATFORM`, formatPlatform(platform)],
    [`${prefix}OS`, platform.os],
    [`${prefix}OSVERSION`, ''],
    [`${prefix}ARCH`, platform.architecture],
    [`${prefix}VARIANT`, platform.variant ?? ''],
  ];
}

function emptyIsNone(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}
