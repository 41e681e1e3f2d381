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
