export interface SourcePosition {
  readonly line: number;
  readonly column: number;
}

/** A half-open range in one file; lines and columns count from 1. */
export interface SourceRange {
  readonly file: string;
  readonly start: SourcePosition;
  readonly end: SourcePosition;
}
