/** How many tokens may wait for their turn. The last of them waits some ten seconds. */
const MOST = 64

/**
 * Runs jobs one at a time. The arithmetic of several tokens at once would hold up the answers of
 * everybody else, because each step of it takes some ms.
 */
export class Lane {
  #last: Promise<unknown> = Promise.resolve()
  #waiting = 0

  /** The result of the job. Null if too many are waiting. */
  async run<T>(job: () => Promise<T>): Promise<T | null> {
    if (this.#waiting >= MOST) return null
    this.#waiting += 1
    const mine = this.#last.then(job, job)
    this.#last = mine.catch(() => {})
    try {
      return await mine
    } finally {
      this.#waiting -= 1
    }
  }
}
