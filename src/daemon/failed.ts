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

/** A person pressed Ctrl+C at a question. 130 is the shell's exit code for that. */
export const interrupted = (): Failed => new Failed('stopped', 130)
