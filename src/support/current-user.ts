import { userInfo } from 'node:os';
import { systemErrorCode } from './errors.js';

export interface CurrentUser {
  readonly uid: number;
  readonly gid: number;
  /** By /etc/passwd; a container's user often has none. */
  readonly name: string | undefined;
}

/** Whom this process runs as. */
export function currentUser(): CurrentUser {
  const [uid, gid] = [process.getuid?.() ?? -1, process.getgid?.() ?? -1];
  try {
    return { uid, gid, name: userInfo().username };
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return { uid, gid, name: undefined };
  }
}
