/** Numbers, durations and times for a person, in the browser. A function that runs as its own text. */

/* oxlint-disable unicorn/consistent-function-scoping -- it runs as text: there is no scope outside it */
export const makeFormat = () => {
  const plain = new Intl.NumberFormat("en")
  const number = (value: number): string => plain.format(value)
  const short = (value: number): string =>
    value >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(2)))

  const duration = (ms: number): string => {
    if (ms < 1_000) return `${ms < 10 ? short(ms) : Math.round(ms)} ms`
    if (ms < 59_950) return `${ms < 9_950 ? Number((ms / 1_000).toFixed(1)) : Math.round(ms / 100) / 10} s`
    const seconds = Math.round(ms / 1_000)
    const [h, min, s] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60]
    return h > 0 ? `${number(h)} h ${min} min` : s > 0 ? `${min} min ${s} s` : `${min} min`
  }
  const octets = (value: number): string => {
    const units = ["B", "kB", "MB", "GB", "TB"]
    let at = 0
    let scaled = value
    while (scaled >= 999.5 && at < units.length - 1) {
      scaled /= 1_000
      at++
    }
    return `${at === 0 ? number(value) : short(scaled)} ${units[at]}`
  }
  const percent = (part: number, whole: number): string => {
    const share = whole === 0 ? 0 : part / whole * 100
    return share > 0 && share < 1 ? "<1 %" : `${Math.round(share)} %`
  }
  const plural = (count: number, one: string, many = `${one}s`): string =>
    `${number(count)} ${count === 1 ? one : many}`

  let zone = "UTC"
  const made = new Map<string, Intl.DateTimeFormat>()
  const inZone = (options: Intl.DateTimeFormatOptions) => {
    const key = zone + JSON.stringify(options)
    const known = made.get(key) ?? new Intl.DateTimeFormat("en-GB", { timeZone: zone, ...options })
    made.set(key, known)
    return known
  }
  const date = (time: number) => inZone({ day: "numeric", month: "short", year: "numeric" }).format(time)
  const dayAndMonth = (time: number) => inZone({ day: "numeric", month: "short" }).format(time)
  const clock = (time: number) =>
    inZone({ hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }).format(time)
  const minutes = (time: number) => inZone({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(time)
  const exact = (time: number) =>
    inZone({ hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3, hourCycle: "h23" })
      .format(time)
  /** From one time to another, the day said once where it is the same. */
  const range = (from: number, to: number) =>
    date(from) === date(to) && minutes(from) === minutes(to)
      ? `${date(from)}, ${minutes(from)}`
      : date(from) === date(to)
      ? `${date(from)}, ${minutes(from)} to ${minutes(to)}`
      : `${date(from)}, ${minutes(from)} to ${date(to)}, ${minutes(to)}`
  const setZone = (name: string) => {
    zone = name
  }
  const isZone = (name: string): boolean => {
    try {
      return new Intl.DateTimeFormat("en-GB", { timeZone: name }).resolvedOptions().timeZone !== ""
    } catch {
      return false
    }
  }
  const here = new Intl.DateTimeFormat("en-GB").resolvedOptions().timeZone

  return {
    clock,
    date,
    dayAndMonth,
    duration,
    exact,
    here,
    isZone,
    minutes,
    number,
    octets,
    percent,
    plural,
    range,
    setZone,
    zone: () => zone
  }
}
export type Format = ReturnType<typeof makeFormat>
