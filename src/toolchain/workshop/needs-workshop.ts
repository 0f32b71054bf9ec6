/**
 * Thrown, by an ordinary user's process, when a build turns out to need more than looking results up: it is then done again by
 * a process in a user namespace. Never reaches a user.
 */
export class NeedsWorkshopError extends Error {
  override readonly name = 'NeedsWorkshopError';
  constructor() {
    super('something has to be fetched, unpacked or run');
  }
}
