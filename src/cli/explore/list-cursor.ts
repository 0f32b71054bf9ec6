/** A place in a list of which a window is shown. */
export class ListCursor {
  #at = 0;
  #top = 0;

  get at(): number {
    return this.#at;
  }

  /** @param length of the list */
  move(by: number, length: number): void {
    this.set(this.#at + by, length);
  }

  set(at: number, length: number): void {
    this.#at = Math.max(0, Math.min(at, length - 1));
  }

  /** @returns the first that is shown of a list in a window of so many lines */
  window(height: number, length: number): number {
    this.set(this.#at, length);
    const lowest = Math.max(0, length - height);
    this.#top = Math.max(this.#at - height + 1, Math.min(this.#top, this.#at, lowest), 0);
    return this.#top;
  }
}
