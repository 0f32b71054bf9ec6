import { parseDigest } from '../../oci/digest.js';
import { formatReference, parseReference, withDefaultTag, type Reference } from '../../oci/reference.js';
import { redactUrl } from '../../registry/http/http-message.js';
import { invariant } from '../../support/invariant.js';
import { TsbuildError } from '../../support/errors.js';
import type { GitOperation, HttpOperation } from '../operation.js';
import { splitUrl } from '../sources/split-url.js';
import type { Selector, SourcePolicy } from './policy-rules.js';
import { formatted, matches } from './selector.js';

/** What a rule is asked about: BuildKit's identifier of a source, and what else is known of it. */
export interface PolicySource {
  readonly identifier: string;
  readonly attrs: Readonly<Record<string, string>>;
}

/** BuildKit's: rules may convert what others have converted, and must come to an end. */
const MOST_CONVERSIONS = 20;

/**
 * What a policy makes of a source: of rules that allow and deny, the last that matches counts; the first that converts begins all
 * over with what it has made. Of several policies each is asked.
 * @throws `SOURCE_DENIED`; `CONFIG_INVALID` when conversions do not come to an end
 */
export function evaluatePolicies(policies: readonly SourcePolicy[], source: PolicySource): PolicySource {
  let current = source;
  for (let conversions = 0; conversions <= MOST_CONVERSIONS; conversions++) {
    const converted = evaluateOnce(policies, current);
    if (converted === undefined) return current;
    current = converted;
  }
  throw new TsbuildError(
    'CONFIG_INVALID',
    `cannot use "${shown(source.identifier)}": its source policy converts it forever`,
    {
      hint: 'Let the rules convert it to something that none of them converts.',
    },
  );
}

/** @returns what it is converted to; `undefined` if it may be used as it is */
function evaluateOnce(policies: readonly SourcePolicy[], source: PolicySource): PolicySource | undefined {
  for (const { name, rules } of policies) {
    let denied = false;
    for (const { action, selector, updates } of rules) {
      if (!matches(selector, source)) continue;
      if (action !== 'CONVERT') {
        denied = action === 'DENY';
        continue;
      }
      const converted = convert(source, selector, updates);
      if (converted !== undefined) return converted;
    }
    if (denied) throw deniedBy(name, source);
  }
  return undefined;
}

function convert(
  { identifier, attrs }: PolicySource,
  selector: Selector,
  updates: SourcePolicy['rules'][number]['updates'],
): PolicySource | undefined {
  invariant(updates !== undefined, 'a rule that converts says to what');
  const template = updates.identifier ?? '';
  const next = {
    identifier: template === '' ? identifier : formatted(selector, identifier, template),
    attrs: { ...attrs, ...updates.attrs },
  };
  const isSame =
    next.identifier === identifier && Object.entries(next.attrs).every(([key, value]) => attrs[key] === value);
  return isSame ? undefined : next;
}

function deniedBy(name: string, { identifier }: PolicySource): TsbuildError {
  return new TsbuildError('SOURCE_DENIED', `cannot use "${shown(identifier)}": the source policy "${name}" denies it`, {
    hint: 'Take a source that the policy allows, or have a rule behind the one that denies it allow it.',
  });
}

const IMAGE = 'docker-image://';

/** The image to take in the place of another. @throws as `evaluatePolicies`, and `REFERENCE_INVALID` */
export function imageByPolicy(policies: readonly SourcePolicy[], reference: Reference): Reference {
  if (policies.length === 0) return reference;
  const before = `${IMAGE}${formatReference(reference)}`;
  const { identifier } = evaluatePolicies(policies, { identifier: before, attrs: {} });
  if (identifier === before) return reference;
  if (!identifier.startsWith(IMAGE)) throw otherKind(before, identifier, `an image, as ${IMAGE}NAME`);
  return withDefaultTag(parseReference(identifier.slice(IMAGE.length)));
}

/** The file or repository to fetch in the place of another. @throws as `evaluatePolicies`, and `DIGEST_INVALID` */
export function remoteByPolicy(
  policies: readonly SourcePolicy[],
  operation: HttpOperation | GitOperation,
): HttpOperation | GitOperation {
  if (policies.length === 0) return operation;
  return operation.kind === 'http' ? httpByPolicy(policies, operation) : gitByPolicy(policies, operation);
}

function httpByPolicy(policies: readonly SourcePolicy[], operation: HttpOperation): HttpOperation {
  const { url, name, checksum } = operation;
  const given = { 'http.filename': name, ...(checksum === undefined ? {} : { 'http.checksum': checksum }) };
  const { identifier, attrs } = evaluatePolicies(policies, { identifier: url, attrs: given });
  if (!/^https?:\/\//.test(identifier) || !URL.canParse(identifier)) throw otherKind(url, identifier, 'a URL');
  const wanted = attrs['http.checksum'];
  return { ...operation, url: identifier, ...(wanted === undefined ? {} : { checksum: parseDigest(wanted) }) };
}

function gitByPolicy(policies: readonly SourcePolicy[], operation: GitOperation): GitOperation {
  const { url, checksum } = operation;
  const known = { 'git.fullurl': url, ...(checksum === undefined ? {} : { 'git.checksum': checksum }) };
  const before = gitIdentifier(operation);
  const { identifier, attrs } = evaluatePolicies(policies, { identifier: before, attrs: known });
  const wanted = attrs['git.checksum'];
  const checked = wanted === undefined ? operation : { ...operation, checksum: wanted };
  return identifier === before ? checked : moved(checked, before, identifier);
}

/** As BuildKit has it, `git://host/path#ref:folder`, whatever the repository is reached by. */
function gitIdentifier({ url, ref = '', subdirectory = '' }: GitOperation): string {
  const fragment = subdirectory === '' ? ref : `${ref}:${subdirectory}`;
  return `git://${withoutScheme(url)}${fragment === '' ? '' : `#${fragment}`}`;
}

/** To another place, reached as the one before. */
function moved(operation: GitOperation, before: string, after: string): GitOperation {
  const { ref: _, subdirectory: __, url, ...others } = operation;
  const split = after.startsWith('git://') ? splitUrl(after) : undefined;
  if (split === undefined || split.host === '' || split.host.startsWith('-')) {
    throw otherKind(before, after, 'a repository, as git://HOST/PATH#REF');
  }
  const { host, path } = split;
  const [ref = '', subdirectory = ''] = split.fragment.split(':', 2);
  const start = url.slice(0, url.length - withoutScheme(url).length);
  return {
    ...others,
    // Of "user@host:path" the path begins behind a colon.
    url: start.includes('://') ? `${start}${host}${path}` : `${start}${host}:${path.slice(1)}`,
    ...(ref === '' ? {} : { ref }),
    ...(subdirectory === '' ? {} : { subdirectory }),
  };
}

/** `host/path`, whatever it is reached by, and by whom. */
function withoutScheme(url: string): string {
  const split = splitUrl(url);
  if (split !== undefined) return `${split.host}${split.path}`;
  return url.replace(/^[^@]*@/, '').replace(':', '/');
}

function otherKind(before: string, after: string, wanted: string): TsbuildError {
  return new TsbuildError(
    'CONFIG_INVALID',
    `cannot use "${shown(after)}" for "${shown(before)}", as a source policy says: it is of another kind`,
    {
      hint: `Let the rule convert it to ${wanted}.`,
    },
  );
}

/** A user, a password and a query may be secrets. */
function shown(identifier: string): string {
  return /^https?:\/\//.test(identifier) && URL.canParse(identifier) ? redactUrl(new URL(identifier)) : identifier;
}
