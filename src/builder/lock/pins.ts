import type { Digest } from '../../oci/digest.js';

/** What a git reference was. */
export interface GitPin {
  readonly commit: string;
  /** The full name that the reference stood for, as `refs/heads/main`. */
  readonly ref: string;
  /** Of an annotated tag: the tag itself. */
  readonly tag?: string | undefined;
}

/** What the sources of a build were, by names without credentials (`pin-names.ts`). Plain data. */
export interface Pins {
  /** By reference and platform. */
  readonly images: Readonly<Record<string, Digest>>;
  /** The content of files behind URLs. */
  readonly urls: Readonly<Record<string, Digest>>;
  readonly git: Readonly<Record<string, GitPin>>;
}

export const NO_PINS: Pins = { images: {}, urls: {}, git: {} };

export interface LockRequest {
  /**
   * `honor`: what is pinned is taken as it was, the rest as it is now. `frozen`: all must be pinned. `refresh`: everything is taken as it
   * is now, and the result tells what that was.
   */
  readonly mode: 'honor' | 'frozen' | 'refresh';
  /** What the file goes by in messages. */
  readonly name: string;
  readonly pins: Pins;
}

/** Those of a build in the place of what was known of the same sources; what other builds take stays. */
export function mergedPins(known: Pins, found: Pins): Pins {
  return {
    images: { ...known.images, ...found.images },
    urls: { ...known.urls, ...found.urls },
    git: { ...known.git, ...found.git },
  };
}
