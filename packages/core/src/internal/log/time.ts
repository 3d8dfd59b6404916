/**
 * The time column in its three forms: UTC with `Z`, local with offset, and 4D's local time without zone.
 *
 * Exact both ways, but for "4d" in the hour that autumn repeats, where the earlier instant is read. An offset with
 * seconds (zones before they had standard time) is printed to the minute, and the time beside it to match. A number of
 * milliseconds that is no date is written as `@` and the number.
 */
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"

export type TimeForm = "utc" | "offset" | "4d"

const maxTime = 8.64e15
const isDate = (ms: number): boolean => ms >= -maxTime && ms <= maxTime

interface Zone {
  readonly zone: DateTime.TimeZone
  /** The stretch over which `offset` is known. */
  from: number
  to: number
  offset: number
}

const maxZones = 64
const stretch = 900_000
const zones = new Map<string, Zone>()

const zoneOf = (name: string): Zone => {
  const known = zones.get(name)
  if (known !== undefined) return known
  if (zones.size >= maxZones) zones.clear()
  const zone = Option.getOrElse(DateTime.zoneFromString(name), () => DateTime.zoneMakeOffset(0))
  const made = { zone, from: 0, to: 0, offset: 0 }
  zones.set(name, made)
  return made
}

const computeOffset = (zone: Zone, ms: number): number =>
  isDate(ms) ? DateTime.zonedOffset(DateTime.makeZonedUnsafe(ms, { timeZone: zone.zone })) : 0

const offsetAt = (zone: Zone, ms: number): number => {
  if (ms >= zone.from && ms < zone.to) return zone.offset
  const from = Math.floor(ms / stretch) * stretch
  const offset = computeOffset(zone, from)
  if (offset !== computeOffset(zone, from + stretch - 1)) return computeOffset(zone, ms)
  zone.from = from
  zone.to = from + stretch
  zone.offset = offset
  return offset
}

/** The machine's time zone. */
export const localZone = (): string => DateTime.zoneToString(DateTime.zoneMakeLocal())

const iso = (ms: number): string => DateTime.formatIso(DateTime.makeUnsafe(ms))

const twoDigits = (n: number): string => n < 10 ? `0${n}` : `${n}`

const format = (ms: number, form: TimeForm, zoneName: string | undefined): string => {
  if (!isDate(ms)) return `@${ms}`
  if (form === "utc") return iso(ms)
  const exact = offsetAt(zoneOf(zoneName ?? localZone()), ms)
  const offset = form === "4d" ? exact : Math.round(exact / 60_000) * 60_000
  if (!isDate(ms + offset)) return iso(ms)
  const local = iso(ms + offset).slice(0, -1)
  if (form === "4d") return local
  const minutes = Math.abs(offset) / 60_000
  return `${local}${offset < 0 ? "-" : "+"}${twoDigits(Math.floor(minutes / 60))}:${twoDigits(minutes % 60)}`
}

let lastTime = Number.NaN
let lastForm: TimeForm | undefined
let lastZone: string | undefined
let lastText = ""

export const formatTime = (ms: number, form: TimeForm, zone: string | undefined): string => {
  if (ms !== lastTime || form !== lastForm || zone !== lastZone) {
    lastText = format(ms, form, zone)
    lastTime = ms
    lastForm = form
    lastZone = zone
  }
  return lastText
}

const shape = /^((?:\d{4}|[+-]\d{6})-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,9})?(Z|[+-]\d\d:\d\d)?$/

const parse = (text: string, zoneName: string | undefined): number | undefined => {
  if (text.startsWith("@")) {
    const ms = Number(text.slice(1))
    return Number.isSafeInteger(ms) ? ms : undefined
  }
  const parts = shape.exec(text)
  if (parts === null) return undefined
  const [, date = "", fraction = "", zone] = parts
  const ms = Date.parse(`${date}${fraction === "" ? "" : fraction.slice(0, 4)}Z`)
  if (Number.isNaN(ms)) return undefined
  if (zone === "Z") return ms
  if (zone !== undefined) {
    const offset = (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4))) * 60_000
    return zone.startsWith("-") ? ms + offset : ms - offset
  }
  return zoneName === undefined ? ms : fromLocal(ms, zoneOf(zoneName))
}

/** The earliest instant whose local time this is; in the gap of spring, as if the clock had not been put forward. */
const fromLocal = (local: number, zone: Zone): number => {
  const before = offsetAt(zone, local - 86_400_000)
  const after = offsetAt(zone, local + 86_400_000)
  for (const offset of before > after ? [before, after] : [after, before]) {
    if (offsetAt(zone, local - offset) === offset) return local - offset
  }
  return local - before
}

let readText = ""
let readZone: string | undefined
let readTime: number | undefined

/** A time without zone is read in `zone`, or as UTC where none is named. */
export const parseTime = (text: string, zone: string | undefined): number | undefined => {
  if (text !== readText || zone !== readZone) {
    readTime = parse(text, zone)
    readText = text
    readZone = zone
  }
  return readTime
}
