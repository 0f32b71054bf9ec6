/** What the comments above say of a stage or an argument: the first that begins with its name. */
export function describedBy(comments: readonly string[], name: string): { readonly description?: string } {
  const comment = comments.find((one) => one.startsWith(`${name} `));
  return comment === undefined ? {} : { description: comment.slice(name.length + 1) };
}
