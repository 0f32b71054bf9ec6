import type { RuleName } from './rules.js';

/** What a rule says of one place. */
export interface Finding {
  readonly rule: RuleName;
  readonly message: string;
}
