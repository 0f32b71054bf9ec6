import { canonicalJson } from '../../oci/canonical-json.js';
import { formatPlatform, type Platform } from '../../oci/platform.js';
import { formatReference, parseReference, withDefaultTag } from '../../oci/reference.js';
import { isTsbuildError, TsbuildError, type ErrorCode } from '../../support/errors.js';
import type { SourceRange } from '../../support/source-range.js';
import { suggest } from '../../support/suggest.js';
import type { BaseResolver, LinkedBuild, LinkResolver, ResolvedBase } from '../plan.js';
import type { LayoutImage } from './layout-image.js';

export interface BaseImage {
  readonly resolved: ResolvedBase;
  readonly platform: Platform;
}

/** Docker Hub says "unauthorized" of repositories that are not there; and without a network no name can be told from a stage's. */
const MAY_BE_A_STAGE: ReadonlySet<ErrorCode> = new Set([
  'REFERENCE_INVALID',
  'IMAGE_NOT_FOUND',
  'REGISTRY_UNAUTHORIZED',
  'REGISTRY_UNREACHABLE',
]);

/** What takes the place of an image that cannot be looked up; `undefined` lets the error stand. */
export type StandIn = (error: TsbuildError, platform: Platform) => ResolvedBase | undefined;

type BuildSource =
  { readonly kind: 'build'; readonly build: LinkedBuild } | { readonly kind: 'image'; readonly image: BaseImage };

/** Looks up each image of each platform once, however many stages name it and however they spell it. */
export class BaseLookup {
  readonly #resolve: BaseResolver;
  readonly #stageNames: readonly string[];
  readonly #standIn: StandIn | undefined;
  readonly #resolveLink: LinkResolver;
  readonly #images = new Map<string, Promise<ResolvedBase>>();

  constructor(
    resolve: BaseResolver,
    stageNames: readonly string[],
    {
      standIn,
      resolveLink,
    }: { readonly standIn?: StandIn | undefined; readonly resolveLink?: LinkResolver | undefined } = {},
  ) {
    this.#resolve = resolve;
    this.#standIn = standIn;
    this.#stageNames = stageNames;
    this.#resolveLink = resolveLink ?? (async (called) => Promise.reject(noBuild(called)));
  }

  /** The result of another build. @throws `SOURCE_UNAVAILABLE` when there is none */
  async getBuild(called: string, platform: Platform, source: SourceRange): Promise<BuildSource> {
    try {
      return { kind: 'build', build: await this.#resolveLink(called, platform) };
    } catch (error) {
      const resolved = isTsbuildError(error) ? this.#standIn?.(withSource(error, source), platform) : undefined;
      if (resolved === undefined) throw error;
      return { kind: 'image', image: { resolved, platform } };
    }
  }

  /** @throws `REFERENCE_INVALID`, or what the resolver throws, with the place in the Dockerfile */
  async get(name: string, platform: Platform, source: SourceRange): Promise<BaseImage> {
    try {
      return await this.#get(name, platform, source);
    } catch (error) {
      const resolved = isTsbuildError(error) ? this.#standIn?.(error, platform) : undefined;
      if (resolved === undefined) throw error;
      return { resolved, platform };
    }
  }

  async #get(name: string, platform: Platform, source: SourceRange): Promise<BaseImage> {
    const reference = this.#normalize(name, source);
    const key = `${formatPlatform(platform)} ${reference}`;
    let image = this.#images.get(key);
    if (image === undefined) {
      image = this.#resolve(reference, platform, source);
      this.#images.set(key, image);
    }
    try {
      return { resolved: await image, platform };
    } catch (error) {
      throw this.#explained(error, name, source);
    }
  }

  /** An image in an OCI image layout of this host. @throws as `get` */
  async getLayout(layout: LayoutImage, platform: Platform, source: SourceRange): Promise<BaseImage> {
    const key = canonicalJson({ layout, platform: formatPlatform(platform) });
    let image = this.#images.get(key);
    if (image === undefined) {
      image = this.#resolve(layout, platform, source);
      this.#images.set(key, image);
    }
    return { resolved: await image, platform };
  }

  #normalize(name: string, source: SourceRange): string {
    try {
      return formatReference(withDefaultTag(parseReference(name)));
    } catch (error) {
      throw this.#explained(error, name, source);
    }
  }

  #explained(error: unknown, name: string, source: SourceRange): unknown {
    if (!isTsbuildError(error)) return error;
    const { code, message, details } = error;
    const hint = (MAY_BE_A_STAGE.has(code) ? this.#stageHint(name) : undefined) ?? error.hint;
    const options = { hint, cause: error, source: error.source ?? source };
    return new TsbuildError(code, message, { ...options, details: { word: name, ...details } });
  }

  #stageHint(name: string): string | undefined {
    const near = suggest(name, this.#stageNames);
    if (near === undefined) return undefined;
    const lower = name.toLowerCase() === near ? ' (FROM takes the names of stages in lower case)' : '';
    return `Did you mean the stage "${near}"${lower}? A stage can be used below its own FROM line only.`;
  }
}

export function noBuild(called: string): TsbuildError {
  return new TsbuildError('SOURCE_UNAVAILABLE', `cannot use build "${called}": there is none of that name before`, {
    hint: 'Such contexts are for several builds in one call, as tsbuild bake makes them.',
  });
}

function withSource(error: TsbuildError, source: SourceRange): TsbuildError {
  const { code, message, hint, details } = error;
  return new TsbuildError(code, message, { hint, details, cause: error, source: error.source ?? source });
}
