/**
 * A value that is often there at once. A function that returns it spares its caller a promise and a
 * turn of the event loop. Callers on the path of each request test with `isPromise` before they wait;
 * all others simply await it.
 */
export type Awaitable<T> = T | Promise<T>

/** Whether a value has yet to come. */
export const isPromise = <T>(value: Awaitable<T>): value is Promise<T> => value instanceof Promise

/** Goes on with a value: at once if it is there, else when it has come. */
export const andThen = <T, U>(
  value: Awaitable<T>,
  next: (value: T) => Awaitable<U>,
): Awaitable<U> => (isPromise(value) ? value.then(next) : next(value))
