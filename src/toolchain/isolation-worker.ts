import { tryIsolations } from '../sandbox/try-isolations.js';

// Runs as root of a user namespace, started by an ordinary user's process, to find out how steps can be isolated there.

// No top-level await: this is bundled as CommonJS.
void tryIsolations(process.argv[2] ?? '/tmp').then((trials) => {
  process.send?.(trials, () => {
    process.disconnect();
  });
});
