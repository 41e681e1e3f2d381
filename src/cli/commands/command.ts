import type { Loaded, LoadInput } from '../../config/load.ts'
import type { Host } from '../../daemon/host.ts'

/**
 * A command of the command line, as data. Parser (`program.ts`) and help (`help.ts`) come from it.
 */
export interface Command {
  readonly name: string
  /** What it does, in one line. */
  readonly does: string
  /** Sentences for its own `--help`. */
  readonly more?: string
  readonly examples?: readonly HelpRow[]
  /** What is written after its name, as `<file>`, `[file]` or `<caveats...>`, and what it means. */
  readonly words?: readonly HelpRow[]
  readonly flags?: readonly OwnFlag[]
  /** Keys of the settings whose flags it takes, besides `--config` and `--data-dir`. */
  readonly settings?: 'all' | readonly string[]
  /** Its help shows the flags of those settings as its own. */
  readonly showsSettings?: true
  readonly commands?: readonly Command[]
  /** The name of the subcommand that runs if none is named. */
  readonly standard?: string
  /** Returns the exit code if it prints by itself, or else everything that is to be printed. */
  readonly run?: (invocation: Invocation) => Promise<Outcome | number>
}

/** Something that is typed, and what it does. */
export type HelpRow = readonly [typed: string, does: string]

/** A flag of one command. */
export interface OwnFlag {
  /** In commander's notation: `--sats <sats>`. */
  readonly typed: string
  readonly does: string
  readonly required?: true
}

/** Values by commander's names. */
export type Flags = Readonly<Record<string, unknown>>

/** What a command is given when it runs. */
export interface Invocation {
  readonly host: Host
  /** What was written after its name. */
  readonly words: readonly string[]
  readonly flags: Flags
  /** `--json` was given. */
  readonly json: boolean
  /** Everything that settings are made of. */
  readonly input: LoadInput
  /**
   * The settings, with more flags than were given. Throws `Failed` if there are mistakes in them.
   */
  load(more?: Flags): Loaded
}

/** What a command did: its exit code, and what goes to stdout and stderr. */
export interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** The outcome of a command that could do what it was asked for. */
export const done = (stdout: string, stderr = ''): Outcome => ({ code: 0, stdout, stderr })

/** Bad usage or a bad config. */
export const BAD_USAGE = 2

/**
 * The settings of a command that reads the books: the kind of wallet decides the default folder.
 */
export const FOLDER_OF_BOOKS = ['wallet.kind']
