import type { Finding } from './finding.js';
import { nearestName } from './nearest-name.js';

// What BuildKit's linter says (frontend/dockerfile/linter/ruleset.go), character for character: people search for these sentences.

export function undefinedVariable(name: string, known: Iterable<string>): Finding {
  const near = nearestName(name, known);
  const question = near === undefined ? '' : ` (did you mean $${near}?)`;
  return { rule: 'UndefinedVar', message: `Usage of undefined variable '$${name}'${question}` };
}

export function undefinedArgument(name: string, known: Iterable<string>): Finding {
  const near = nearestName(name, known);
  const question = near === undefined ? '' : ` (did you mean ${near}?)`;
  return { rule: 'UndefinedArgInFrom', message: `FROM argument '${name}' is not declared${question}` };
}

export function invalidDefault(base: string): Finding {
  const message = `Default value for ARG ${base} results in empty or invalid base image name`;
  return { rule: 'InvalidDefaultArgInFrom', message };
}

export function redundantPlatform(written: string): Finding {
  const message = `Setting platform to predefined ${written} in FROM is redundant as this is the default behavior`;
  return { rule: 'RedundantTargetPlatform', message };
}

export function constantPlatform(platform: string): Finding {
  const message = `FROM --platform flag should not use constant value ${goQuoted(platform)}`;
  return { rule: 'FromPlatformFlagConstDisallowed', message };
}

export function otherPlatform(
  image: string,
  platforms: { readonly expected: string; readonly actual: string },
): Finding {
  const { expected, actual } = platforms;
  const message = `Base image ${image} was pulled with platform ${goQuoted(actual)}, expected ${goQuoted(expected)} for current build`;
  return { rule: 'InvalidBaseImagePlatform', message };
}

export function relativeWorkdir(path: string): Finding {
  const message = `Relative workdir ${goQuoted(path)} can have unexpected results if the base image changes`;
  return { rule: 'WorkdirRelativePath', message };
}

export function multipleInstructions(keyword: string): Finding {
  const message = `Multiple ${keyword} instructions should not be used in the same stage because only the last one will be used`;
  return { rule: 'MultipleInstructionsDisallowed', message };
}

export function jsonRecommended(keyword: string): Finding {
  const message = `JSON arguments recommended for ${keyword} to prevent unintended behavior related to OS signals`;
  return { rule: 'JSONArgsRecommended', message };
}

export function legacyFormat(keyword: string): Finding {
  const message = `"${keyword} key=value" should be used instead of legacy "${keyword} key value" format`;
  return { rule: 'LegacyKeyValueFormat', message };
}

export function idleMountOption(type: string, options: readonly string[]): Finding {
  const verb = options.length === 1 ? 'means' : 'mean';
  return flagWithoutEffect(`${options.join(' and ')} ${verb} nothing for a mount of type ${type}`);
}

export function ignoredFile(keyword: 'COPY' | 'ADD', path: string): Finding {
  const verb = keyword === 'COPY' ? 'Copy' : 'Add';
  const message = `Attempting to ${verb} file ${goQuoted(path)} that is excluded by .dockerignore`;
  return { rule: 'CopyIgnoredFile', message };
}

/** BuildKit's rule: a word of the name alone tells a secret, and another that it is none. Words are what stands between underscores. */
const SECRET: ReadonlySet<string> = new Set(
  'apikey auth credential credentials key password pword passwd secret token'.split(' '),
);
const NO_SECRET: ReadonlySet<string> = new Set(['public', 'file', 'version']);

export function isSecretName(name: string): boolean {
  const words = name.toLowerCase().split('_');
  return words.some((word) => SECRET.has(word)) && !words.some((word) => NO_SECRET.has(word));
}

export function secretName(keyword: 'ARG' | 'ENV', name: string): readonly Finding[] {
  if (!isSecretName(name)) return [];
  const message = `Do not use ARG or ENV instructions for sensitive data (${keyword} ${goQuoted(name)})`;
  return [{ rule: 'SecretsUsedInArgOrEnv', message }];
}

/** Of one word of EXPOSE, its variables expanded. */
export function exposedPort(port: string): readonly Finding[] {
  const parts = port.split(':');
  const protocol = /\/(.*)$/s.exec(parts.at(-1) ?? '')?.[1] ?? '';
  const findings: Finding[] = [];
  if (protocol !== protocol.toLowerCase()) {
    const message = `Defined protocol '${port}' in EXPOSE instruction should be lowercase`;
    findings.push({ rule: 'ExposeProtoCasing', message });
  }
  if (parts.slice(0, -1).some((part) => part !== '')) {
    const message = `EXPOSE instruction should not define an IP address or host-port mapping, found '${port}'`;
    findings.push({ rule: 'ExposeInvalidFormat', message });
  }
  return findings;
}

export function flagWithoutEffect(message: string): Finding {
  return { rule: 'tsbuild/FlagWithoutEffect', message };
}

/** Go's `%q`, as far as names and paths go. */
function goQuoted(text: string): string {
  return `"${text.replace(/[\\"]/g, '\\$&').replace(/\t/g, '\\t').replace(/\n/g, '\\n')}"`;
}
