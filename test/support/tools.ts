import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

/** Whether all of these programs are in PATH. */
export function hasTools(...names: readonly string[]): boolean {
  const directories = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin'];
  return names.every((name) => directories.some((directory) => isExecutable(join(directory, name))));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
