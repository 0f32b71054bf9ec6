import { createDigester, isDigest, type Digest } from '../../../oci/digest.js';
import { DOCUMENT_LIMIT } from '../../../oci/decode.js';
import { parseJson } from '../../../support/parse-json.js';
import { archiveBytes, type ArchiveBytesOptions } from './archive-bytes.js';
import { layoutMembers } from './layout-members.js';
import { normalizeMemberName } from './member-name.js';
import { tarMembers } from './stage-members.js';

/** What somebody has who has loaded an archive. */
export interface ArchiveListing {
  /** Of all its files, and the diffIds of its images. */
  readonly digests: ReadonlySet<Digest>;
  /** The images' names as the archive has them, sorted. */
  readonly names: readonly string[];
}

/**
 * Reads an archive to its end, and keeps nothing of it but digests and names.
 * @throws `ArchiveFault`, `ABORTED`; errors of `source` as they are
 */
export async function listArchive(
  source: AsyncIterable<Uint8Array> | { readonly layout: string },
  options: ArchiveBytesOptions = {},
): Promise<ArchiveListing> {
  const digests = new Set<Digest>();
  const names = new Set<string>();
  const members =
    'layout' in source
      ? layoutMembers(source.layout, { signal: options.signal, onBytes: options.onBytes })
      : tarMembers(archiveBytes(source, options));
  for await (const member of members) {
    if (member.type !== 'file') continue;
    const document: Uint8Array[] = [];
    const digester = createDigester();
    for await (const chunk of member.body) {
      digester.update(chunk);
      if (member.size <= DOCUMENT_LIMIT) document.push(Buffer.from(chunk));
    }
    digests.add(digester.finish().digest);
    const value = startsAsJson(document[0]) ? parseJson(Buffer.concat(document).toString('utf8')) : undefined;
    for (const digest of diffIdsIn(value)) digests.add(digest);
    if (isContents(member.name)) for (const name of namesIn(value)) names.add(name);
  }
  return { digests, names: [...names].toSorted() };
}

function startsAsJson(bytes: Uint8Array | undefined): boolean {
  return bytes?.[0] === 0x7b || bytes?.[0] === 0x5b;
}

function isContents(name: string): boolean {
  return ['index.json', 'manifest.json'].includes(normalizeMemberName(name));
}

/** Of an image config. */
function diffIdsIn(value: unknown): readonly Digest[] {
  const diffIds = memberOf(memberOf(value, 'rootfs'), 'diff_ids');
  return Array.isArray(diffIds) ? diffIds.filter((each) => typeof each === 'string').filter(isDigest) : [];
}

/** Of `index.json` and of Docker's `manifest.json`. Only what can be a name without white space is one. */
function namesIn(value: unknown): readonly string[] {
  const manifests = memberOf(value, 'manifests');
  const annotated = Array.isArray(manifests)
    ? manifests.map((entry) => memberOf(memberOf(entry, 'annotations'), 'io.containerd.image.name'))
    : [];
  const tags = Array.isArray(value) ? value.flatMap((item) => memberOf(item, 'RepoTags')) : [];
  return [...annotated, ...tags]
    .filter((name) => typeof name === 'string')
    .filter((name) => /^[!-~]{1,300}$/.test(name));
}

function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Readonly<Record<string, unknown>>)[name];
}
