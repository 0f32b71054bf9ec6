/** Thrown in the place of an error, its `cause`, of which the user has been told already. */
export class ReportedError extends Error {
  override readonly name: string = 'ReportedError';
}
