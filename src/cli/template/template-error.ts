import { TsbuildError } from '../../support/errors.js';

/** What is wrong with a template, or with what it asks for. */
export function templateError(piece: string, state: string, hint?: string): TsbuildError {
  return new TsbuildError('USAGE', `cannot use --format "${piece}": ${state}`, {
    hint: hint ?? 'Templates are those of Docker (docs/formats.md); --format json gives everything.',
  });
}
