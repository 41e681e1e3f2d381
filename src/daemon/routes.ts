import type { Dialect } from '../dialects/dialect.ts'
import { translations } from '../dialects/index.ts'
import { type Mode, pattern, type Route, Routes } from '../gate/route.ts'
import type { Targets } from '../gate/targets.ts'

/**
 * The routes of a gate: each dialect at its path, all in the mode of the gate and at one backend.
 * `translate`: whether an API that the backend lacks is translated (`dialects.translate`).
 */
export function routesOf(
  dialects: readonly Dialect[],
  mode: Mode,
  targets: Targets,
  translate = true,
): Routes {
  const routeOf = (dialect: Dialect): Route => ({
    ...{ method: 'POST', path: pattern(dialect.path), dialect, mode, targets },
    price: { by: 'model' },
    query: false,
    tellsPrice: true,
  })
  return new Routes(
    dialects.map((dialect) => {
      const other = translations.get(dialect)
      if (other === undefined) return routeOf(dialect)
      return { ...routeOf(dialect), translated: translate ? routeOf(other) : 'off' }
    }),
  )
}
