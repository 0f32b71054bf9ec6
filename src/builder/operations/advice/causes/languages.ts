import { always, type Cause } from '../cause.js';
import type { FailedRun } from '../failed-run.js';

/** Package managers and compilers of programming languages. */
export const LANGUAGE_CAUSES: readonly Cause[] = [
  {
    pattern: /externally-managed-environment/,
    advice: always(
      'This Python belongs to the distribution: make an environment of your own ("python3 -m venv /opt/venv" and ENV PATH=/opt/venv/bin:$PATH), or give pip --break-system-packages.',
    ),
  },
  {
    pattern: /ensurepip is not available/,
    advice: always('The image has no venv for its Python: install the package python3-venv before.'),
  },
  {
    pattern:
      /fatal error: Python\.h: No such file|command '(?:\S*\/)?(?:gcc|cc|g\+\+|\S+-gcc)' failed: No such file|error: Microsoft Visual/,
    advice: always(
      'A Python package is compiled and the image lacks what that takes: install build-essential and python3-dev (Alpine: build-base and python3-dev), or take an image for which there are wheels.',
    ),
  },
  {
    pattern: /No matching distribution found for ([^\s'"]{1,80})/,
    advice: (_, [, name = '']) =>
      `The package index has no "${name}" for this Python and platform: check its name and version, and which Python the image has.`,
  },
  {
    pattern: /gyp ERR! find Python|gyp ERR! stack Error: not found: make/,
    advice: always(
      'A Node package is compiled and the image lacks what that takes: install python3, make and g++ before (not in a slim image), or take an image that has them.',
    ),
  },
  {
    pattern: /npm ci.*can only install (?:packages )?with an existing package-lock\.json/,
    advice: always(
      'npm ci needs the lock file: COPY package.json and package-lock.json before it, and see .dockerignore.',
    ),
  },
  {
    pattern:
      /(?:ENOENT.*|no such file or directory.*|Could not read )\b(package\.json|requirements[\w.-]*\.txt|go\.mod|Cargo\.toml|pom\.xml|Gemfile)\b|\b(go\.mod|Gemfile|Cargo\.toml)`?(?: file)? not found|Could not (?:open requirements file.*|find `?)\b(requirements[\w.-]*\.txt|Cargo\.toml)|could not locate (Gemfile)|no makefile found/i,
    advice: missingProject,
  },
  {
    pattern:
      /UnicodeDecodeError: 'ascii'|UnicodeEncodeError: '(?:ascii|latin-1)'|invalid byte sequence in US-ASCII|ActionView::Template.*US-ASCII/,
    advice: always('The step has no locale for letters beyond ASCII: write ENV LANG=C.UTF-8 above it.'),
  },
];

/** A `cd` of another RUN is forgotten by then. */
function missingProject({ image }: FailedRun, [match, ...names]: readonly (string | undefined)[]): string {
  const name = names.find((each) => each !== undefined) ?? (/makefile/i.test(match ?? '') ? 'Makefile' : 'file');
  const where = image === undefined ? 'its working directory' : image.cwd;
  return `The step runs in ${where}, which has no ${name}: COPY it there before, or write WORKDIR, as a "cd" of another RUN is forgotten.`;
}
