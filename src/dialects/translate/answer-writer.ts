import type { Problem } from '../dialect.ts'
import type { JsonObject } from '../kit/json.ts'
import type { Ending } from '../kit/spelling.ts'
import type { ChatPieces, ChatUsage, Piece } from './chat-pieces.ts'

/**
 * Writes one answer in the form of the client's API. It is told what the answer of chat completions
 * says, and keeps where the client's stream stands.
 */
export interface AnswerWriter {
  /** The stream has begun: the backend has sent a chunk. Returns the events for that, once. */
  begin(answer: ChatPieces): string
  /** The events for one piece. Null if it cannot be said any more. */
  piece(piece: Piece): string | null
  /** The events that end the stream. `usage` is the tokens that are charged. */
  end(usage: ChatUsage): Ending
  /** The events that end it with an error. */
  broken(problem: Pick<Problem, 'code' | 'message'>): Ending
  /** Keeps a silent stream open, and disturbs no reader. */
  keepAlive(): string
  /** The whole answer in one piece, after all its pieces. Null if it cannot be said. */
  whole(answer: ChatPieces, usage: ChatUsage): JsonObject | null
}
