import { buildPage } from '../scripts/page.ts'

/** The gates of the tests serve the page as it is now. */
export default buildPage
