import { TsbuildError, type ErrorCode, type ErrorOptions } from '../../support/errors.js';

export interface ArchiveFaultOptions extends ErrorOptions {
  readonly code?: ErrorCode;
}

/** What is wrong with an archive: the state of a sentence whose object, the archive, is named by whoever opened it. */
export class ArchiveFault extends TsbuildError {
  readonly state: string;

  constructor(state: string, { code = 'ARCHIVE_INVALID', ...options }: ArchiveFaultOptions) {
    super(code, `cannot read archive: ${state}`, options);
    this.state = state;
  }
}
