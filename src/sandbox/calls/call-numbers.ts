/** The system calls that lists are made of. */
export type CallName =
  | 'capset'
  | 'chdir'
  | 'chroot'
  | 'clone'
  | 'close'
  | 'close_range'
  | 'dup3'
  | 'execve'
  | 'exit_group'
  | 'faccessat'
  | 'fchdir'
  | 'fchmodat'
  | 'fchownat'
  | 'fcntl'
  | 'fsconfig'
  | 'fsmount'
  | 'fsopen'
  | 'ioctl'
  | 'kill'
  | 'mkdirat'
  | 'mknodat'
  | 'mount'
  | 'mount_setattr'
  | 'move_mount'
  | 'openat'
  | 'pipe2'
  | 'pivot_root'
  | 'prctl'
  | 'prlimit64'
  | 'read'
  | 'readlinkat'
  | 'rt_sigaction'
  | 'seccomp'
  | 'setgroups'
  | 'sethostname'
  | 'setns'
  | 'setpgid'
  | 'setresgid'
  | 'setresuid'
  | 'setsid'
  | 'socket'
  | 'symlinkat'
  | 'umask'
  | 'umount2'
  | 'unshare'
  | 'wait4'
  | 'write';

/** Their numbers on x86-64 and on arm64, as the kernel's headers have them. */
const NUMBERS: Readonly<Record<CallName, readonly [x64: number, arm64: number]>> = {
  capset: [126, 91],
  chdir: [80, 49],
  chroot: [161, 51],
  clone: [56, 220],
  close: [3, 57],
  close_range: [436, 436],
  dup3: [292, 24],
  execve: [59, 221],
  exit_group: [231, 94],
  faccessat: [269, 48],
  fchdir: [81, 50],
  fchmodat: [268, 53],
  fchownat: [260, 54],
  fcntl: [72, 25],
  fsconfig: [431, 431],
  fsmount: [432, 432],
  fsopen: [430, 430],
  ioctl: [16, 29],
  kill: [62, 129],
  mkdirat: [258, 34],
  mknodat: [259, 33],
  mount: [165, 40],
  mount_setattr: [442, 442],
  move_mount: [429, 429],
  openat: [257, 56],
  pipe2: [293, 59],
  pivot_root: [155, 41],
  prctl: [157, 167],
  prlimit64: [302, 261],
  read: [0, 63],
  readlinkat: [267, 78],
  rt_sigaction: [13, 134],
  seccomp: [317, 277],
  setgroups: [116, 159],
  sethostname: [170, 161],
  setns: [308, 268],
  setpgid: [109, 154],
  setresgid: [119, 149],
  setresuid: [117, 147],
  setsid: [112, 157],
  socket: [41, 198],
  symlinkat: [266, 36],
  umask: [95, 166],
  umount2: [166, 39],
  unshare: [272, 97],
  wait4: [61, 260],
  write: [1, 64],
};

export function callNumber(name: CallName, architecture: string): number {
  const [x64, arm64] = NUMBERS[name];
  return architecture === 'arm64' ? arm64 : x64;
}
