import type { Lab } from '../lab.ts'
import type { Doing } from './scripted-model.ts'

/** One client of the matrix. */
export interface Row {
  /** Its name in the table. */
  readonly name: string
  /** The version that is installed here. */
  version(): string
  /** What a person types, in Markdown. `GATE`, `KEY` and `MODEL` are what each person has. */
  readonly types: string
  /** The path of the API that it speaks. */
  readonly path: string
  /** How it calls a tool, or why it calls none. */
  readonly tool: Extract<Doing, { does: 'calls' }> | string
  /** Whether it asks for more than the answer, such as a title: requests without its tools. */
  readonly asides: boolean
  /** Starts it, with what a person types. */
  open(where: Where): Promise<Session>
}

/** Where a client finds a gate. */
export interface Where {
  readonly lab: Lab
  /** The address of the gate, without a path. */
  readonly url: string
  readonly model: string
}

/** A client that a person is using. */
export interface Session {
  ask(question: Question): Promise<Shown>
  close(): Promise<void>
}

export interface Question {
  readonly key: string
  readonly prompt: string
  /** Whether it has a tool that the model may call. */
  readonly tool: boolean
}

/** What the person sees. */
export interface Shown {
  readonly ok: boolean
  /** The text of the model. A program that writes answers and errors to one place has both here. */
  readonly text: string
  readonly error: string
}
