import { isTsbuildError } from '../../../support/errors.js';

/** What `attempt` gives, or `undefined` where it throws an error that a user can cause. */
export function orUndefined<T>(attempt: () => T): T | undefined {
  try {
    return attempt();
  } catch (error) {
    if (isTsbuildError(error)) return undefined;
    throw error;
  }
}
