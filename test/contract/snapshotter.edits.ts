import fc from 'fast-check';

/** The tree that the edits are made to. */
export const BASE = `
  mkdir -p etc/conf.d usr/bin data/deep/er empty
  printf one > etc/one; printf two > etc/two; printf a > etc/conf.d/a; printf b > etc/conf.d/b
  printf '#!' > usr/bin/tool; chmod 755 usr/bin/tool; ln -s ../usr/bin/tool etc/link
  printf x > data/x; printf y > data/deep/y; printf z > data/deep/er/z
  printf pair > data/first; ln data/first data/second
  find . ! -type l -exec touch -d @1000 {} +; touch -h -d @1000 etc/link; touch -d @1000.5 etc/two
`;

export interface Edit {
  readonly name: string;
  readonly script: string;
  readonly changes: readonly string[];
  readonly needs?: 'owners' | 'xattrs';
}

const DIR = 'directory 755 0:0';
/** What must come out of every snapshotter, deletions first in each directory. */
export const EDITS: readonly Edit[] = [
  { name: 'nothing', script: 'true', changes: [] },
  { name: 'a new file', script: 'printf n > etc/new', changes: [`etc ${DIR}`, 'etc/new file 644 0:0 "n"'] },
  {
    name: 'a file changed in place',
    script: 'printf 1 > data/deep/y',
    changes: [`data ${DIR}`, `data/deep ${DIR}`, 'data/deep/y file 644 0:0 "1"'],
  },
  {
    name: 'a file changed to another of the same size and time',
    script: 'printf TWO > etc/two; touch -d @1000.5 etc/two; printf ONE > etc/one; touch -d @1000 etc/one',
    changes: [`etc ${DIR}`, 'etc/one file 644 0:0 "ONE"', 'etc/two file 644 0:0 "TWO"'],
  },
  {
    name: 'a file opened for appending, and left as it was',
    script: ': >> etc/one; : >> etc/two',
    changes: [],
  },
  {
    name: 'a file written again as it was, its time set back',
    script: 'printf one > etc/one; touch -d @1000 etc/one',
    changes: [],
  },
  { name: 'a file made and deleted again', script: 'printf t > etc/t; rm etc/t', changes: [] },
  { name: 'a new time of a directory', script: 'touch etc', changes: [] },
  {
    name: 'a new time of a file',
    script: 'touch -d @2000 etc/one',
    changes: [`etc ${DIR}`, 'etc/one file 644 0:0 "one"'],
  },
  {
    name: 'a mode',
    script: 'chmod 600 etc/one; chmod 700 empty; chmod 4755 usr/bin/tool',
    changes: [
      'empty directory 700 0:0',
      `etc ${DIR}`,
      'etc/one file 600 0:0 "one"',
      `usr ${DIR}`,
      `usr/bin ${DIR}`,
      'usr/bin/tool file 4755 0:0 "#!"',
    ],
  },
  { name: 'the mode of the root', script: 'chmod 700 .', changes: [] },
  {
    name: 'an owner',
    script: 'chown 7:8 etc/one empty; chown -h 5:6 etc/link',
    changes: [
      'empty directory 755 7:8',
      `etc ${DIR}`,
      'etc/link symlink 5:6 =../usr/bin/tool',
      'etc/one file 644 7:8 "one"',
    ],
    needs: 'owners',
  },
  {
    name: 'deletions, before their siblings',
    script: 'rm etc/two etc/conf.d/a; printf n > etc/a; rm -r data/deep',
    changes: [
      `data ${DIR}`,
      'data/deep deleted',
      `etc ${DIR}`,
      'etc/two deleted',
      'etc/a file 644 0:0 "n"',
      `etc/conf.d ${DIR}`,
      'etc/conf.d/a deleted',
    ],
  },
  {
    name: 'the deletion of all',
    script: 'rm -r data empty etc usr',
    changes: ['data deleted', 'empty deleted', 'etc deleted', 'usr deleted'],
  },
  {
    name: 'a directory in the place of a file',
    script: 'rm etc/one; mkdir etc/one; printf i > etc/one/in',
    changes: [`etc ${DIR}`, `etc/one ${DIR}`, 'etc/one/in file 644 0:0 "i"'],
  },
  {
    name: 'a file in the place of a directory',
    script: 'rm -r data/deep; printf f > data/deep',
    changes: [`data ${DIR}`, 'data/deep file 644 0:0 "f"'],
  },
  {
    name: 'a link in the place of a directory',
    script: 'rm -r data/deep; ln -s /etc data/deep',
    changes: [`data ${DIR}`, 'data/deep symlink 0:0 =/etc'],
  },
  {
    name: 'a directory in the place of a link',
    script: 'rm etc/link; mkdir etc/link',
    changes: [`etc ${DIR}`, `etc/link ${DIR}`],
  },
  {
    name: 'a directory deleted and made again',
    script: 'rm -r data; mkdir -p data/deep; printf y > data/deep/new',
    changes: [
      `data ${DIR}`,
      'data/first deleted',
      'data/second deleted',
      'data/x deleted',
      `data/deep ${DIR}`,
      'data/deep/er deleted',
      'data/deep/y deleted',
      'data/deep/new file 644 0:0 "y"',
    ],
  },
  {
    name: 'a directory deleted and made again, empty',
    script: 'rm -r etc/conf.d; mkdir etc/conf.d',
    changes: [`etc ${DIR}`, `etc/conf.d ${DIR}`, 'etc/conf.d/a deleted', 'etc/conf.d/b deleted'],
  },
  {
    name: 'a directory moved',
    script: 'cp -a data/deep data/moved; rm -r data/deep',
    changes: [
      `data ${DIR}`,
      'data/deep deleted',
      `data/moved ${DIR}`,
      `data/moved/er ${DIR}`,
      'data/moved/er/z file 644 0:0 "z"',
      'data/moved/y file 644 0:0 "y"',
    ],
  },
  {
    name: 'a file moved over another',
    script: 'mv etc/one etc/two',
    changes: [`etc ${DIR}`, 'etc/one deleted', 'etc/two file 644 0:0 "one"'],
  },
  {
    name: 'new hard links',
    script: 'mkdir n; printf l > n/b; ln n/b n/a; ln n/b n/c',
    changes: [`n ${DIR}`, 'n/a file 644 0:0 "l"', 'n/b hardlink 644 0:0 =n/a', 'n/c hardlink 644 0:0 =n/a'],
  },
  {
    name: 'a hard link to a file that was there',
    script: 'ln etc/one etc/also',
    changes: [`etc ${DIR}`, 'etc/also file 644 0:0 "one"', 'etc/one hardlink 644 0:0 =etc/also'],
  },
  {
    name: 'one of two hard links deleted',
    script: 'rm data/first',
    changes: [`data ${DIR}`, 'data/first deleted'],
  },
  {
    name: 'links, fifos and odd modes',
    script: 'ln -s /nowhere s; mkfifo f; mkdir -m 1777 t; printf 0 > z; chmod 400 z',
    changes: ['f fifo 644 0:0', 's symlink 0:0 =/nowhere', 't directory 1777 0:0', 'z file 400 0:0 "0"'],
  },
  {
    name: 'a link changed',
    script: 'ln -sfn elsewhere etc/link',
    changes: [`etc ${DIR}`, 'etc/link symlink 0:0 =elsewhere'],
  },
  {
    name: 'names that are no text',
    script: `printf 1 > "$(printf 'n\\377')"; printf 2 > "$(printf 'n\\303\\251')"`,
    changes: ['né file 644 0:0 "2"', 'n\ufffd file 644 0:0 "1"'],
  },
  {
    name: 'extended attributes',
    script: 'setfattr -n user.note -v hi etc/one; setfattr -n user.note -v there empty',
    changes: [
      'empty directory 755 0:0 user.note:7468657265',
      `etc ${DIR}`,
      'etc/one file 644 0:0 "one" user.note:6869',
    ],
    needs: 'xattrs',
  },
];

/** Scripts that make or change small trees, over the same few names so that they meet. */
const names = fc.constantFrom('a', 'b', 'c');
const paths = fc.array(names, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));
const steps = fc.oneof(
  paths.map((target) => `mkdir -p ${target}`),
  fc.tuple(paths, fc.integer({ min: 0, max: 99 })).map(([target, content]) => `printf ${content} > ${target}`),
  paths.map((target) => `rm -rf ${target}`),
  fc.tuple(paths, paths).map(([target, link]) => `ln -sfn ../${target} ${link}`),
  fc
    .tuple(paths, fc.constantFrom('700', '755', '1777', '2750', '4711'))
    .map(([target, mode]) => `chmod ${mode} ${target}`),
  fc.tuple(paths, fc.constantFrom('new', 'a/new', 'b')).map(([target, moved]) => `cp -a ${target} ${moved}`),
  fc.tuple(paths, paths).map(([target, link]) => `ln -f ${target} ${link}`),
  paths.map((target) => `rm -rf ${target}; mkdir ${target}`),
  // Of a name that no other step writes to: that would wait for a reader.
  paths.map((target) => `mkfifo ${target}.p; touch -d @-77.5 ${target}.p`),
);
export const anyScript: fc.Arbitrary<string> = fc
  .array(steps, { minLength: 1, maxLength: 12 })
  .map((list) => list.map((step) => `{ ${step}; } 2>/dev/null`).join('\n') + '\ntrue');
