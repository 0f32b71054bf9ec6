/** Something legal that is likely a mistake, and the words in which people are told of it. */
export interface CheckRule {
  readonly name: string;
  /** What the rule asks for, in one sentence. */
  readonly description: string;
  /** Where more is to be read. */
  readonly url?: string;
  /** Off, unless `# check=experimental=` names it. */
  readonly experimental?: true;
  /** A build says nothing of it; `tsbuild check` does. */
  readonly quiet?: true;
  /** What to do about it. */
  readonly fix: string;
}
