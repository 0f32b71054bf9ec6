/**
 * Thrown by an operation when a remembered result turns out not to be had: its content is gone, or is not what the record says.
 * Whoever solves the graph forgets that memory and solves it again; no step has failed.
 */
export class StaleResultError extends Error {
  override readonly name = 'StaleResultError';

  constructor(cause: unknown) {
    super('a remembered result cannot be had', { cause });
  }
}
