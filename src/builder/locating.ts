import { isTsbuildError, TsbuildError } from '../support/errors.js';
import type { SourceRange } from '../support/source-range.js';

/** An instruction, or the vertex that it became. */
interface Located {
  readonly source?: SourceRange | undefined;
}

/** Adds the instruction to an error that has no place. */
export function locating<T>(place: Located, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw located(place, error);
  }
}

/** As `locating`, for what takes its time. */
export async function locatingAll<T>(place: Located, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw located(place, error);
  }
}

function located({ source }: Located, error: unknown): unknown {
  if (!isTsbuildError(error) || error.source !== undefined || error.code === 'ABORTED') return error;
  const { code, message, hint, details, cause } = error;
  return new TsbuildError(code, message, { hint, details, cause, source });
}
