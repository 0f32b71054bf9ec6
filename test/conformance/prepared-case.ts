import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { caseDigest, type Case } from './case.js';
import { makeRepository, type CaseServer } from './servers.js';
import { rootPath, writeCase } from './write-case.js';

/** A case on disk, as both builders are given it. */
export interface PreparedCase {
  readonly case: Case;
  readonly folder: string;
  readonly server: CaseServer;
}

export async function prepareCase(
  given: Case,
  { work, server }: { readonly work: string; readonly server: CaseServer },
): Promise<PreparedCase> {
  const folder = join(work, `${given.name}-${caseDigest(given)}`);
  mkdirSync(folder, { recursive: true });
  await writeCase(given, folder);
  if (existsSync(rootPath(folder, 'git'))) makeRepository(rootPath(folder, 'git'), join(folder, 'repo.git'));
  server.folders.set(given.name, folder);
  return { case: given, folder, server };
}

/**
 * The flags with folders and addresses put in.
 * @param shown a folder as the builder sees it
 */
export function flagsOf(prepared: PreparedCase, shown: (path: string) => string = (path) => path): readonly string[] {
  return prepared.case.flags.map((flag) =>
    flag.replaceAll(
      /\{([\w-]+)\}/g,
      (_, name: string) => addressOf(name, prepared) ?? shown(rootPath(prepared.folder, name)),
    ),
  );
}

function addressOf(name: string, { case: { name: caseName }, server }: PreparedCase): string | undefined {
  if (name === 'http') return `${server.origin}/${caseName}`;
  return name === 'git' ? `${server.origin}/${caseName}.git` : undefined;
}

/** What stands for the addresses of this run in what is compared. */
export function namesOf({ server }: PreparedCase): ReadonlyMap<string, string> {
  return new Map([[server.origin, '{server}']]);
}
