import { statSync } from 'node:fs';
import { bytesOfText } from '../../support/byte-string.js';
import { setTimes } from '../../support/syscalls.js';

const BILLION = 1_000_000_000n;

/** Changes the entries of an open directory so that its modification time does not tell. */
export function keepTimes(directory: number, change: () => void): void {
  const path = `/proc/self/fd/${directory}/.`;
  const { mtimeNs } = statSync(path, { bigint: true });
  try {
    change();
  } finally {
    const nanoseconds = ((mtimeNs % BILLION) + BILLION) % BILLION;
    const seconds = Number((mtimeNs - nanoseconds) / BILLION);
    setTimes(bytesOfText(path), { seconds, nanoseconds: Number(nanoseconds) });
  }
}
