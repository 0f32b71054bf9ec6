import { TsbuildError } from '../../../support/errors.js';
import { isCommit } from '../git-options.js';
import { splitUrl } from '../split-url.js';
import type { GitProgram, GitTask } from './git-program.js';

/** Another repository's commit in a folder of this one. */
export interface Submodule {
  /** From the root of the repository that has it. */
  readonly path: string;
  /** As git takes it, with relative ones resolved. */
  readonly address: string;
  readonly commit: string;
}

/** What `.gitmodules` of a commit says, of those submodules that the commit has. @throws `SOURCE_UNAVAILABLE`, `ABORTED` */
export async function submodulesOf(
  git: GitProgram,
  { commit, address, task }: { readonly commit: string; readonly address: string; readonly task: GitTask },
): Promise<readonly Submodule[]> {
  // As a symbolic link it would be read from elsewhere by git itself (CVE-2018-11235 and its kind).
  const file = await treeEntry(git, { commit, path: '.gitmodules', task });
  if (file?.mode !== '100644' && file?.mode !== '100755') return [];
  const text = await git.output(['config', '--blob', file.object, '--list', '-z'], task);
  const found: Submodule[] = [];
  for (const { path, url } of configured(text)) {
    const entry = await treeEntry(git, { commit, path, task });
    if (entry?.mode !== '160000' || !isCommit(entry.object)) continue;
    found.push({ path, commit: entry.object, address: resolvedAddress(url, address) });
  }
  return found;
}

async function treeEntry(
  git: GitProgram,
  { commit, path, task }: { readonly commit: string; readonly path: string; readonly task: GitTask },
): Promise<{ readonly mode: string; readonly object: string } | undefined> {
  const line = await git.output(['ls-tree', '-z', commit, '--', path], task);
  const match = /^(\d+) \w+ ([0-9a-f]+)\t([^\0]*)\0$/.exec(line);
  return match?.[3] === path ? { mode: match[1] ?? '', object: match[2] ?? '' } : undefined;
}

/** `submodule.<name>.path` and `.url`; nothing else there has a meaning here, such as commands to run. */
function configured(text: string): readonly { readonly path: string; readonly url: string }[] {
  const paths = new Map<string, string>();
  const urls = new Map<string, string>();
  for (const setting of text.split('\0')) {
    const [key = '', ...value] = setting.split('\n');
    const match = /^submodule\.(.+)\.(path|url)$/s.exec(key);
    if (match !== null) (match[2] === 'path' ? paths : urls).set(match[1] ?? '', value.join('\n'));
  }
  return [...paths].flatMap(([name, path]) => {
    const url = urls.get(name);
    return url === undefined ? [] : [{ path: path.replace(/\/+$/, ''), url }];
  });
}

/** Relative to the repository's own (gitmodules(5)); else something that leads to another host. */
function resolvedAddress(url: string, base: string): string {
  const address = /^\.\.?\//.test(url) ? relativeTo(base, url) : url;
  const scheme = splitUrl(address)?.scheme;
  const leadsOut = scheme === undefined ? /^[\w-]+@[\w.-]+:[^-]/.test(address) : /^(?:https?|ssh|git)$/.test(scheme);
  if (leadsOut && !/\p{Cc}/u.test(address)) return address;
  throw new TsbuildError(
    'SOURCE_UNAVAILABLE',
    `cannot fetch submodule "${url.replace(/\p{Cc}/gu, ' ')}": it is on no other host`,
    {
      hint: 'Submodules are fetched by http, https, ssh and git only; append "?submodules=false" to the address to do without.',
    },
  );
}

function relativeTo(base: string, url: string): string {
  let [parent, rest] = [base.replace(/\/+$/, ''), url];
  for (;;) {
    if (rest.startsWith('./')) rest = rest.slice(2);
    else if (rest.startsWith('../')) {
      rest = rest.slice(3);
      const cut = Math.max(parent.lastIndexOf('/'), parent.lastIndexOf(':'));
      parent = parent.slice(0, Math.max(cut, 0));
    } else return `${parent}/${rest}`;
  }
}
