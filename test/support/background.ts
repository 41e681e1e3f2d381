import { Background } from '../../src/floor/background.ts'
import { real } from './world.ts'

/** Background work for tests that do not look at its reports. */
export const unheard = new Background(real, () => {})
