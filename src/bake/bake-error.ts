import { TsbuildError } from '../support/errors.js';
import type { SourceText } from './source-text.js';

/** Where something stands in a definition file; offsets in UTF-16 units, half-open. */
export interface Span {
  readonly source: SourceText;
  readonly start: number;
  readonly end: number;
}

/** A mistake in a definition file, with its place. */
export function bakeError(message: string, span: Span | undefined, hint?: string): TsbuildError {
  return new TsbuildError('CONFIG_INVALID', message, { source: span?.source.range(span), hint });
}
