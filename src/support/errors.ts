import type { SourceRange } from './source-range.js';

/** Every code, its exit status, and what it is about. Exit statuses are stable: scripts rely on them. */
export const ERROR_CODES = {
  USAGE: { exit: 2, about: 'the command line is wrong' },
  DOCKERFILE_NOT_FOUND: { exit: 3, about: 'the Dockerfile cannot be read' },
  DOCKERFILE_SYNTAX: { exit: 3, about: 'the Dockerfile cannot be parsed' },
  DOCKERFILE_SEMANTICS: { exit: 3, about: 'the Dockerfile parses and makes no sense' },
  DOCKERFILE_UNSUPPORTED: { exit: 3, about: 'the Dockerfile uses a feature that this version lacks' },
  CONTEXT_INVALID: { exit: 3, about: 'the build context cannot be read' },
  SOURCE_UNAVAILABLE: { exit: 7, about: 'a URL or git repository that the build takes files from cannot be had' },
  COPY_FAILED: { exit: 3, about: 'a COPY or ADD names something that is missing or cannot be copied' },
  LOCK_OUTDATED: { exit: 3, about: 'a lock file is missing, or does not have what the build takes as it is' },
  SOURCE_DENIED: {
    exit: 3,
    about: 'a source policy forbids an image, a URL or a repository that the build takes from',
  },
  RUN_FAILED: { exit: 4, about: 'a RUN step ended with an error' },
  SANDBOX_UNAVAILABLE: { exit: 5, about: 'this host allows no sandbox that the step could run in' },
  SANDBOX_FAILED: { exit: 5, about: 'a sandbox could not be set up' },
  DIGEST_INVALID: { exit: 6, about: 'a digest is malformed' },
  DIGEST_MISMATCH: { exit: 6, about: 'content does not match its descriptor' },
  DOCUMENT_INVALID: { exit: 6, about: 'a manifest, index or image config is malformed' },
  LAYER_INVALID: { exit: 6, about: 'a layer is malformed, or an entry of it would leave the root file system' },
  ARCHIVE_INVALID: { exit: 6, about: 'an image archive is malformed or cut off' },
  REFERENCE_INVALID: { exit: 2, about: 'an image name is malformed' },
  IMAGE_NOT_FOUND: { exit: 7, about: 'no such image, here or in the registries asked' },
  PLATFORM_NOT_FOUND: { exit: 7, about: 'the image has no variant for the wanted platform' },
  REGISTRY_UNAUTHORIZED: { exit: 7, about: 'the registry refused the credentials' },
  REGISTRY_UNREACHABLE: { exit: 7, about: 'the registry cannot be reached' },
  REGISTRY_RESPONSE: { exit: 7, about: 'the registry answered with an error or outside the protocol' },
  CONFIG_INVALID: { exit: 2, about: 'a configuration file is malformed' },
  STORE_INVALID: { exit: 8, about: 'the store is damaged, or made by a newer version' },
  STORE_IO: { exit: 8, about: 'the store cannot be read or written' },
  DISK_FULL: { exit: 8, about: 'the disk is full' },
  OUTPUT_FAILED: { exit: 8, about: 'a result cannot be written' },
  NOT_REPRODUCIBLE: { exit: 9, about: 'a step gave another layer when it was done a second time' },
  IMAGE_WASTEFUL: { exit: 1, about: 'an image wastes more space than it may' },
  INTERNAL: { exit: 1, about: 'a mistake in tsbuild itself' },
  ABORTED: { exit: 130, about: 'the command was cancelled' },
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

export interface ErrorOptions {
  /** What the user can do about it, as a full sentence; of several, each on a line. */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
  readonly source?: SourceRange | undefined;
  /**
   * Machine-readable facts: structured-cloneable, no secrets. `word`: what of the text at `source` it is about, as it is written
   * there, where the range is that of a whole instruction.
   */
  readonly details?: Readonly<Record<string, string | number | boolean>>;
}

const brand = Symbol.for('tsbuild.error');

/**
 * An error that a user can cause and can act on. A programming mistake throws a plain `Error` through `invariant`.
 * The message reads `cannot <verb> <object> "<value>": <state>`, lower case and without a full stop.
 */
export class TsbuildError extends Error {
  override readonly name: string = 'TsbuildError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly source: SourceRange | undefined;
  readonly details: Readonly<Record<string, string | number | boolean>>;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.source = options.source;
    this.details = options.details ?? {};
    Object.defineProperty(this, brand, { value: true });
  }
}

/** Works across two copies of this module (the library's and the bundled one's), where `instanceof` does not. */
export function isTsbuildError(value: unknown, code?: ErrorCode): value is TsbuildError {
  return (
    value instanceof Error && brand in value && (code === undefined || (value as Partial<TsbuildError>).code === code)
  );
}

/** A `TsbuildError` as plain data, to cross a process or thread boundary. */
export interface ErrorRecord {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string | undefined;
  readonly source: SourceRange | undefined;
  readonly details: Readonly<Record<string, string | number | boolean>>;
}

export function encodeError({ code, message, hint, source, details }: TsbuildError): ErrorRecord {
  return { code, message, hint, source, details };
}

export function decodeError({ code, message, ...options }: ErrorRecord): TsbuildError {
  return new TsbuildError(code, message, options);
}

/** The `code` of a Node system error (`ENOENT`), or `undefined` for anything else. */
export function systemErrorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
