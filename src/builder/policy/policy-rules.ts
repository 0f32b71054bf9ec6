/** Rules about what builds may take from elsewhere, and what in its place; as BuildKit's source policy has them. Plain data. */
export interface SourcePolicy {
  /** Of its file, for messages. */
  readonly name: string;
  readonly rules: readonly PolicyRule[];
}

export interface PolicyRule {
  readonly action: 'ALLOW' | 'DENY' | 'CONVERT';
  readonly selector: Selector;
  /** Of a rule that converts. */
  readonly updates?: PolicyUpdates | undefined;
}

export interface PolicyUpdates {
  /** With `$1` or `${1}` for what the parts of the selector's pattern stand for; absent or empty: it stays. */
  readonly identifier?: string | undefined;
  /** `http.checksum`, `git.checksum`; others are taken note of by the selectors of other rules. */
  readonly attrs?: Readonly<Record<string, string>> | undefined;
}

export interface Selector {
  /** As `docker-image://docker.io/library/alpine:*`, `https://…`, `git://host/path#ref`. */
  readonly identifier: string;
  readonly matchType: 'WILDCARD' | 'EXACT' | 'REGEX';
  readonly constraints: readonly AttrConstraint[];
}

export interface AttrConstraint {
  readonly key: string;
  readonly value: string;
  readonly condition: 'EQUAL' | 'NOTEQUAL' | 'MATCHES';
}
