import { compareBytes, textOfBytes, type ByteString } from '../../support/byte-string.js';
import type { ListedFile } from './file-list.js';
import type { FileChange, KeyChange } from './key-change.js';

/** So many are told of by name. */
const NAMED = 50;

type Files = ReadonlyMap<string, ListedFile>;

/** How the files of a step differ from those of a build before; `undefined` when they do not. */
export function fileChanges(before: Files, after: Files): Extract<KeyChange, { what: 'files' }> | undefined {
  const changed = [...new Set([...before.keys(), ...after.keys()])]
    .filter((path) => differs(before.get(path), after.get(path)))
    .sort(compareBytes);
  if (changed.length === 0) return undefined;
  const files = changed.slice(0, NAMED).map((path) => changeOf(path, before.get(path), after.get(path)));
  return { what: 'files', files, total: changed.length };
}

function differs(before: ListedFile | undefined, after: ListedFile | undefined): boolean {
  if (before === undefined || after === undefined) return before !== after;
  const { type, mode, owner, more, content } = after;
  return (
    before.content !== content ||
    before.mode !== mode ||
    before.type !== type ||
    before.owner !== owner ||
    before.more !== more
  );
}

function changeOf(bytes: string, before: ListedFile | undefined, after: ListedFile | undefined): FileChange {
  const path = textOfBytes(bytes as ByteString);
  if (before === undefined) return { path, how: 'added' };
  if (after === undefined) return { path, how: 'removed' };
  if (before.type !== after.type) return { path, how: 'type', before: before.type, after: after.type };
  if (before.content !== after.content) return { path, how: 'content' };
  if (before.mode !== after.mode) return { path, how: 'mode', before: before.mode, after: after.mode };
  if (before.owner !== after.owner) return { path, how: 'owner', before: before.owner, after: after.owner };
  return { path, how: 'attributes' };
}
