/**
 * Ours, in `index.json`: the names of what an archive was saved without, between spaces. Whoever lacks those layers is told where
 * to get them.
 */
export const SINCE_ANNOTATION = 'dev.tsbuild.archive.since';
