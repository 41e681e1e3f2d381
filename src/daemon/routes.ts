import type { Dialect } from '../dialects/dialect.ts'
import { type Mode, pattern, Routes } from '../gate/route.ts'
import type { Targets } from '../gate/targets.ts'

/**
 * The routes of a gate: each dialect at its path, all in the mode of the gate and at one backend.
 */
export const routesOf = (dialects: readonly Dialect[], mode: Mode, targets: Targets): Routes =>
  new Routes(
    dialects.map((dialect) => ({
      ...{ method: 'POST', path: pattern(dialect.path), dialect, mode, targets },
      price: { by: 'model' },
      query: false,
      tellsPrice: true,
    })),
  )
