import { anthropicMessages } from './anthropic/messages.ts'
import { audioSpeech } from './audio/speech.ts'
import { audioTranscriptions, audioTranslations } from './audio/transcriptions.ts'
import type { Dialect } from './dialect.ts'
import { imageEdits, imageVariations } from './images/edits.ts'
import { imageGenerations } from './images/generations.ts'
import { moderations } from './moderations/moderations.ts'
import { ollamaChat } from './ollama/chat.ts'
import { ollamaEmbed } from './ollama/embed.ts'
import { ollamaEmbeddings } from './ollama/embeddings.ts'
import { ollamaGenerate } from './ollama/generate.ts'
import { openaiChat } from './openai/chat.ts'
import { openaiCompletions } from './openai/completions.ts'
import { openaiEmbeddings } from './openai/embeddings.ts'
import { rerank } from './rerank/rerank.ts'
import { openaiResponses } from './responses/dialect.ts'
import { messagesTranslation } from './translate/messages.ts'
import { responsesTranslation } from './translate/responses.ts'
import { translated } from './translate/translated.ts'

/** Every API that is served: the only list of them. */
export const dialects: readonly Dialect[] = [
  openaiChat,
  openaiCompletions,
  openaiEmbeddings,
  openaiResponses,
  anthropicMessages,
  ollamaChat,
  ollamaGenerate,
  ollamaEmbed,
  ollamaEmbeddings,
  moderations,
  rerank,
  imageGenerations,
  imageEdits,
  imageVariations,
  audioSpeech,
  audioTranscriptions,
  audioTranslations,
]

/** APIs that are translated to chat completions if the backend lacks them, and their translations. */
export const translations: ReadonlyMap<Dialect, Dialect> = new Map([
  [anthropicMessages, translated(anthropicMessages, messagesTranslation)],
  [openaiResponses, translated(openaiResponses, responsesTranslation)],
])
