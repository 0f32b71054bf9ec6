import { readableText } from '../../support/readable-text.js';

/** Bytes that the slowest disks write in a second or two. */
const LITTLE = 64 << 20;

/** What tells this boot of the machine from any other (random(4)); `null` where the kernel does not say. */
export function currentBoot(): string | null {
  const text = readableText('/proc/sys/kernel/random/boot_id')?.trim() ?? '';
  return text === '' ? null : text;
}

/** Whether the kernel holds so little that is not on a disk yet that syncing takes next to no time (proc_meminfo(5)). */
export function isLittleUnwritten(meminfo: string = readableText('/proc/meminfo') ?? ''): boolean {
  const kibibytes = /^(?:Dirty|Writeback): *([0-9]+) kB$/gm;
  const counts = [...meminfo.matchAll(kibibytes)].map(([, count]) => Number(count));
  return counts.length > 0 && counts.reduce((sum, count) => sum + count, 0) * 1024 <= LITTLE;
}
