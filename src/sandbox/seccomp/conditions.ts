/** The bits of clone(2) that make namespaces: CLONE_NEW{NS,CGROUP,UTS,IPC,USER,PID,NET}. */
export const NEW_NAMESPACES = 0x7e020000;

/** AF_ALG and AF_VSOCK: one reaches the kernel's crypto, the other the machine that hosts this one. */
export const REFUSED_SOCKET_FAMILIES: readonly number[] = [38, 40];

/** PER_LINUX and PER_LINUX32, with and without UNAME26, and the question which it is. */
export const PERSONALITIES: readonly number[] = [0, 8, 0x20000, 0x20008, 0xffffffff];
