import { isObject, type Json, type JsonObject } from '../kit/json.ts'
import { withTexts } from './item-texts.ts'

/** More text than this is not kept, so that the memory of a stream is bounded. */
const MOST_KEPT = 4 * 1024 * 1024

/** An item of the output of a stream. */
export class OutputItem {
  /** Its place in the output. */
  readonly at: number
  /** As the backend last showed it. Null if it has shown texts alone. */
  value: JsonObject | null = null
  /** The texts that deltas have brought, by their places. */
  readonly texts = new Map<string, string>()
  /** The backend has shown it whole. */
  done = false

  constructor(at: number) {
    this.at = at
  }

  /** Its id in the events of the gate. */
  get id(): string {
    const id = this.value?.id ?? this.value?.call_id
    return typeof id === 'string' ? id : `msg_satgate_${this.at}`
  }

  /** The item with the text that has come so far. */
  sofar(status: string): JsonObject {
    if (this.done && this.value !== null) return this.value
    const value = this.value ?? { id: this.id, type: 'message', role: 'assistant', content: [] }
    return { ...withTexts(value, this.texts), status }
  }
}

/** What a client has seen of the output of a stream, so that the gate can end the stream in its place. */
export class OutputSoFar {
  readonly items: OutputItem[] = []
  readonly #byIndex = new Map<number, OutputItem>()
  readonly #byId = new Map<string, OutputItem>()
  #kept = 0
  /** Takes back what the last event brought. */
  #undo: (() => void) | null = null

  /** The item that an event is about. Backends name it by its place, by its id, or not at all. */
  of(event: JsonObject): OutputItem {
    const { output_index: index, item_id: id, item } = event
    const ids = [id, ...(isObject(item) ? [item.id, item.call_id] : [])]
    return this.#find(index, ids)
  }

  /** The item of a whole output. */
  at(index: number, item: JsonObject): OutputItem {
    const known = [item.id, item.call_id].map((id) => this.#byId.get(String(id)))
    return known.find((one) => one !== undefined) ?? this.#find(index, [item.id, item.call_id])
  }

  #find(index: Json | undefined, ids: readonly (Json | undefined)[]): OutputItem {
    const names = ids.filter((id): id is string => typeof id === 'string')
    const placed = typeof index === 'number' ? this.#byIndex.get(index) : undefined
    const named = names.map((id) => this.#byId.get(id)).find((one) => one !== undefined)
    const nameless = index === undefined && names.length === 0 ? this.items.at(-1) : undefined
    const item =
      placed ?? (typeof index === 'number' ? undefined : named) ?? nameless ?? this.#add()
    if (typeof index === 'number') this.#byIndex.set(index, item)
    for (const id of names) if (!this.#byId.has(id)) this.#byId.set(id, item)
    return item
  }

  #add(): OutputItem {
    const item = new OutputItem(this.items.length)
    this.items.push(item)
    return item
  }

  /** A delta came. */
  append(item: OutputItem, place: string, delta: string): void {
    const before = item.texts.get(place) ?? ''
    this.#kept += delta.length
    if (this.#kept > MOST_KEPT) return
    item.texts.set(place, before + delta)
    this.#undo = () => item.texts.set(place, before)
  }

  /** The backend showed an item. */
  show(item: OutputItem, value: JsonObject, done: boolean): void {
    const { value: before, done: was } = item
    item.value = value
    item.done = done
    this.#undo = () => {
      item.value = before
      item.done = was
    }
  }

  /** Another event follows. */
  next(): void {
    this.#undo = null
  }

  /** The last event does not leave as it came. */
  undo(): void {
    this.#undo?.()
    this.#undo = null
  }
}
