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
  index: 'indexing ',
  compress: 'compressing ',
};

/** What moves, as BuildKit words it: `sha256:…`, `transferring context:`, `extracting sha256:…`. */
export function transferSubject({ item, direction }: Transfer, form: 'full' | 'short'): string {
  const name = plainLine(item);
  if (!isDigest(name)) return `${VERBS[direction]}${name}:`;
  return VERBS[direction] + (form === 'full' ? name : name.slice(0, 'sha256:'.length + 12));
}

/** `5.2MB / 30.1MB`, and `, 1.9MB/s, 12s left` where that is known; `, finishing` when all bytes are there but not yet in place. */
export function transferAmount({ current, total, bytesPerSecond, remainingMs, done }: Transfer): string {
  const amount = total === undefined ? formatSize(current) : `${formatSize(current)} / ${formatSize(total)}`;
  if (done) return amount;
  if (total !== undefined && total > 0 && current >= total) return `${amount}, finishing`;
  const rate = bytesPerSecond === undefined ? '' : `, ${formatSize(bytesPerSecond)}/s`;
  return remainingMs === undefined ? amount + rate : `${amount}${rate}, ${formatRemaining(remainingMs)} left`;
}

/** `9s`, `3m05s`, `2h07m`: nobody wants more. */
function formatRemaining(milliseconds: number): string {
  const seconds = Math.ceil(milliseconds / 1000);
  const [minutes, hours] = [Math.floor(seconds / 60), Math.floor(seconds / 3600)];
  const two = (number: number): string => String(number).padStart(2, '0');
  if (hours > 0) return `${hours}h${two(minutes % 60)}m`;
  return minutes > 0 ? `${minutes}m${two(seconds % 60)}s` : `${seconds}s`;
}
