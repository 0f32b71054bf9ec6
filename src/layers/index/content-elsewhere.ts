/**
 * Thrown where content of a file is not to be had at once: it is in a layer that is compressed, or not here. Whoever reads layers by
 * their indexes unpacks them then. Never reaches a user.
 */
export class ContentElsewhereError extends Error {
  override readonly name = 'ContentElsewhereError';
  constructor() {
    super('the content of a file is in a layer that has to be unpacked');
  }
}
