/** Thrown when all has been said and only the exit status is left to tell of a failure. */
export class EndWithStatus extends Error {
  override readonly name: string = 'EndWithStatus';
  readonly status: number;

  constructor(status: number) {
    super(`exit status ${status}`);
    this.status = status;
  }
}
