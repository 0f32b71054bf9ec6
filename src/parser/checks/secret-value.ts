import type { Finding } from './finding.js';

interface Shape {
  readonly what: string;
  /** One of them is in every text that `pattern` matches: most texts are told apart without an expression. */
  readonly marks: readonly string[];
  readonly pattern: RegExp;
}

/** Shapes of secrets that their issuers publish so that they can be found. */
const SHAPES: readonly Shape[] = [
  { what: 'an AWS access key', marks: ['AKIA', 'ASIA'], pattern: /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/ },
  {
    what: 'a GitHub token',
    marks: ['gho_', 'ghp_', 'ghs_', 'ghu_', 'ghr_', 'github_pat_'],
    pattern: /\b(?:gh[opsur]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{22,})/,
  },
  { what: 'a GitLab token', marks: ['glpat-'], pattern: /\bglpat-[A-Za-z0-9_-]{20}/ },
  { what: 'a Slack token', marks: ['xox'], pattern: /\bxox[abeoprs]-[A-Za-z0-9-]{10,}/ },
  { what: 'a Hugging Face token', marks: ['hf_'], pattern: /\bhf_[A-Za-z0-9]{30,}/ },
  { what: 'an npm token', marks: ['npm_'], pattern: /\bnpm_[A-Za-z0-9]{36}/ },
  { what: 'a PyPI token', marks: ['pypi-'], pattern: /\bpypi-[A-Za-z0-9_-]{50,}/ },
  { what: 'a private key', marks: ['-----BEGIN '], pattern: /-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----/ },
  {
    what: 'a password in a URL',
    marks: ['://'],
    pattern: /\b[a-z][a-z0-9+.-]{0,20}:\/\/[^\s/:@"'$]{1,100}:[^\s/@"'${}]{1,200}@/i,
  },
];

/** Never shows what it has found. */
export function secretValues(text: string): readonly Finding[] {
  return SHAPES.filter((shape) => isIn(text, shape)).map(({ what }) => ({
    rule: 'tsbuild/SecretValue',
    message: `what looks like ${what} stands in the Dockerfile: everyone who has the image's history can read it; use RUN --mount=type=secret`,
  }));
}

function isIn(text: string, { marks, pattern }: Shape): boolean {
  return marks.some((mark) => text.includes(mark)) && pattern.test(text);
}
