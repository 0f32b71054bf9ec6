import type { Finding } from './finding.js';

/** Shapes of secrets that their issuers publish so that they can be found. */
const SHAPES: readonly { readonly what: string; readonly pattern: RegExp }[] = [
  { what: 'an AWS access key', pattern: /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/ },
  { what: 'a GitHub token', pattern: /\b(?:gh[opsur]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{22,})/ },
  { what: 'a GitLab token', pattern: /\bglpat-[A-Za-z0-9_-]{20}/ },
  { what: 'a Slack token', pattern: /\bxox[abeoprs]-[A-Za-z0-9-]{10,}/ },
  { what: 'a Hugging Face token', pattern: /\bhf_[A-Za-z0-9]{30,}/ },
  { what: 'an npm token', pattern: /\bnpm_[A-Za-z0-9]{36}/ },
  { what: 'a PyPI token', pattern: /\bpypi-[A-Za-z0-9_-]{50,}/ },
  { what: 'a private key', pattern: /-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----/ },
  { what: 'a password in a URL', pattern: /\b[a-z][a-z0-9+.-]{0,20}:\/\/[^\s/:@"'$]{1,100}:[^\s/@"'${}]{1,200}@/i },
];

/** Never shows what it has found. */
export function secretValues(text: string): readonly Finding[] {
  return SHAPES.filter(({ pattern }) => pattern.test(text)).map(({ what }) => ({
    rule: 'tsbuild/SecretValue',
    message: `what looks like ${what} stands in the Dockerfile: everyone who has the image's history can read it; use RUN --mount=type=secret`,
  }));
}
