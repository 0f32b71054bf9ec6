import type { Writable } from 'node:stream';
import type { Attachment } from '../sandbox/attachment.js';

/** Somebody who is let into a sandbox: what is typed comes by the attachment, what is shown goes to the streams. */
export interface Visit extends Disposable {
  readonly attachment: Attachment;
  readonly stdout: Writable;
  /** With a terminal, nothing but what is said of a program that cannot be started. */
  readonly stderr: Writable;
}

/** A RUN that failed, for who may look at what it left. Plain data. */
export interface FailedStep {
  /** `[builder 2/5] RUN make`. */
  readonly label: string;
  /** As it could be typed into a shell. */
  readonly command: string;
  /** `exit code 2`. */
  readonly state: string;
  /** The last lines of its output. */
  readonly output: string;
  /** What is opened in its sandbox. */
  readonly shell: string;
}

/** Asked for when there is something to be seen; disposed of when the visitor has left. */
export type OpenVisit = (failed: FailedStep | undefined) => Promise<Visit>;
