/** Something whose readiness a user waits for. The first two fields belong to the list it stands on. */
export interface Endpoint {
  isChanged: boolean;
  nextChanged: Endpoint | null;
  /** Whatever its user wants to find there when it has changed; the stack does not look at it. */
  owner: object | null;
}

/**
 * Endpoints whose readiness has changed since the driver last looked: an intrusive list, so that joining costs two writes.
 * An endpoint joins once, however often it changes.
 */
export class ChangedList {
  #first: Endpoint | null = null;
  #last: Endpoint | null = null;

  add(endpoint: Endpoint): void {
    if (endpoint.isChanged) return;
    endpoint.isChanged = true;
    endpoint.nextChanged = null;
    if (this.#last === null) this.#first = endpoint;
    else this.#last.nextChanged = endpoint;
    this.#last = endpoint;
  }

  /** Takes the next endpoint off the list, or returns null. */
  take(): Endpoint | null {
    const first = this.#first;
    if (first === null) return null;
    this.#first = first.nextChanged;
    if (this.#first === null) this.#last = null;
    first.isChanged = false;
    first.nextChanged = null;
    return first;
  }
}
