/** A command that could not be carried out. The text tells a person what to do. */
export class Failed extends Error {
  override readonly name = 'Failed'
  /** The exit code of the program. */
  readonly code: number

  constructor(message: string, code = 1) {
    super(message)
    this.code = code
  }
}

/** What a question ends with on Ctrl+C: 130 is what a shell has for a program that was interrupted. */
export const interrupted = (): Failed => new Failed('stopped', 130)
