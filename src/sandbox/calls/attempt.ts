import { systemErrorCode, TsbuildError } from '../../support/errors.js';

/**
 * Does one step of setting a sandbox up. A system call that fails in it becomes `SANDBOX_FAILED`, "cannot <what>: <errno>", with
 * both in `details`.
 */
export function attempt<T>(what: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === undefined || error instanceof TsbuildError) throw error;
    throw setupFailure(what, code, error);
  }
}

export function setupFailure(what: string, code: string, cause?: unknown): TsbuildError {
  return new TsbuildError('SANDBOX_FAILED', `cannot ${what}: ${code}`, { cause, details: { what, code } });
}
