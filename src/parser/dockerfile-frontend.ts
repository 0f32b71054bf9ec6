/** Whether a frontend is BuildKit's own Dockerfile language, from whatever registry. */
export function isDockerfileFrontend(frontend: string): boolean {
  return /(?:^|\/)docker\/dockerfile(?:-upstream)?(?:[:@]|$)/.test(frontend);
}
