import { type ApiRow, openAiRefusal, plain } from './api-row.ts'
import { type Field, mp3, png } from './forms.ts'

/** The rows of APIs that sell images and sound. Their answers have the documented shapes. */

const PICTURE: Field = ['image', png(), 'a.png']
/** 3 KB are 4 seconds at the lowest rate of speech. */
const RECORDING: Field = ['file', mp3(3_000), 'a.mp3']

const images = (body: Pick<ApiRow, 'body' | 'form'>): Omit<ApiRow, 'path'> => ({
  ...plain(({ data }) => data),
  ...body,
  media: 5,
  whole: () => ({ created: 7, data: [{ b64_json: 'iVBORw0KGgo=' }] }),
  refusal: openAiRefusal,
})

const transcripts: Omit<ApiRow, 'path'> = {
  ...plain(({ text }) => text),
  body: () => ({}),
  form: (prompt) => [['prompt', prompt], RECORDING],
  media: 3,
  whole: (text) => ({ text, usage: { type: 'duration', seconds: 3 } }),
  refusal: openAiRefusal,
}

export const MEDIA_ROWS: readonly ApiRow[] = [
  { path: '/v1/images/generations', ...images({ body: (prompt) => ({ prompt }) }) },
  {
    path: '/v1/images/edits',
    ...images({ body: () => ({}), form: (prompt) => [['prompt', prompt], PICTURE] }),
  },
  {
    path: '/v1/images/variations',
    ...images({ body: () => ({}), form: (prompt) => [['user', prompt], PICTURE] }),
  },
  {
    path: '/v1/audio/speech',
    ...plain(() => ''),
    body: (input) => ({ input, voice: 'alloy' }),
    sound: true,
    // `hi` has two characters, and takes a second.
    media: 3,
    whole: () => ({}),
    refusal: openAiRefusal,
  },
  { path: '/v1/audio/transcriptions', ...transcripts },
  { path: '/v1/audio/translations', ...transcripts },
]
