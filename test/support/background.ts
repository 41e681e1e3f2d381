import { Background } from '../../src/floor/background.ts'
import { real } from './world.ts'

/** An owner of work in the background, for tests that do not look at what it says. */
export const unheard = new Background(real, () => {})
