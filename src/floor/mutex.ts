/** Runs jobs one at a time, in the order in which they came. A job that fails does not stop others. */
export class Mutex {
  #last: Promise<unknown> = Promise.resolve()

  /** Resolves, or rejects, with the job. A job must not wait for another one of the same mutex. */
  alone<T>(job: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(job, job)
    this.#last = mine.catch(() => {})
    return mine
  }
}
