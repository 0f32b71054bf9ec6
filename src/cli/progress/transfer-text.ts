import { isDigest } from '../../oci/digest.js';
import { formatSize } from '../text/size.js';
import { plainLine } from '../text/terminal-text.js';
import type { Transfer } from './model.js';

const VERBS: Readonly<Record<Transfer['direction'], string>> = {
  pull: '',
  push: 'pushing ',
  read: 'transferring ',
  write: 'writing ',
  unpack: 'extracting ',
};

/** What moves, as BuildKit words it: `sha256:…`, `transferring context:`, `extracting sha256:…`. */
export function transferSubject({ item, direction }: Transfer, form: 'full' | 'short'): string {
  const name = plainLine(item);
  if (!isDigest(name)) return `${VERBS[direction]}${name}:`;
  return VERBS[direction] + (form === 'full' ? name : name.slice(0, 'sha256:'.length + 12));
}

/** `5.2MB / 30.1MB`. */
export function transferAmount({ current, total }: Transfer): string {
  return total === undefined ? formatSize(current) : `${formatSize(current)} / ${formatSize(total)}`;
}
