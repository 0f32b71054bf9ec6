import { always, type Cause } from '../cause.js';

/** Of the machine, or of what the step may have of it. */
export const RESOURCE_CAUSES: readonly Cause[] = [
  {
    pattern: /System limit for number of file watchers reached|inotify_add_watch|inotify watch limit/i,
    advice: always(
      'The machine lets nobody watch so many files: raise fs.inotify.max_user_watches with sysctl, or have the program not watch files during a build.',
    ),
  },
  {
    pattern:
      /\/dev\/shm\b.*No space left on device|No space left on device.*\/dev\/shm\b|shared memory.*No space left/i,
    advice: always('The memory behind /dev/shm is used up: build with a larger --shm-size, such as --shm-size=1g.'),
  },
  {
    pattern: /No space left on device|\bENOSPC\b|not enough free disk space|insufficient disk space/i,
    advice: always(
      'The disk is full: make room with "tsbuild prune", choose another disk with --store, or give a tmpfs mount of the step a larger size.',
    ),
  },
  {
    pattern: /Disk quota exceeded|\bEDQUOT\b/i,
    advice: always(
      'The disk quota of whoever builds is used up: make room with "tsbuild prune", or choose another disk with --store.',
    ),
  },
  {
    pattern: /Too many open files|\bEMFILE\b|\bENFILE\b/i,
    advice: always('The step opened more files than it may: allow more with --ulimit nofile=65536.'),
  },
  {
    pattern:
      /fork: (?:retry: )?Resource temporarily unavailable|(?:can't|cannot|failed to|unable to) (?:fork|create (?:a )?(?:new )?(?:native )?thread)|pthread_create failed|fork failed/i,
    advice: always(
      'The machine gives the step no more processes: let it do less at once (make -j2, fewer workers), or raise --ulimit nproc.',
    ),
  },
  {
    pattern:
      /\bKilled$|Killed signal terminated program|Cannot allocate memory|\bENOMEM\b|out of memory|OutOfMemoryError|heap out of memory|virtual memory exhausted|\bMemoryError\b|std::bad_alloc|signal: 9, SIGKILL/im,
    advice: always(
      'The step ran out of memory: let it do less at once (make -j2, fewer workers), or build where there is more.',
    ),
  },
];
