/** Where the time of a conversation went, as a waterfall, in the browser. A function that runs as its own text. */
import type { Bar, Detail } from "../data.ts"
import type { Dom } from "./dom.ts"
import type { Format } from "./format.ts"

export interface WaterfallParts {
  readonly dom: Dom
  readonly format: Format
}

/* oxlint-disable unicorn/consistent-function-scoping -- it runs as text: there is no scope outside it */
export const makeWaterfall = ({ dom, format }: WaterfallParts) => {
  const { el, svg } = dom
  const lanes = [
    ["Connect", ["connect"]],
    ["TLS", ["tls"]],
    ["Greeting", ["greeting"]],
    ["EHLO", ["ehlo"]],
    ["STARTTLS", ["starttls"]],
    ["AUTH", ["auth"]],
    ["MAIL, RCPT", ["mail", "rcpt"]],
    ["Content", ["data", "content"]],
    ["Verdict", ["verdict"]],
    ["RSET", ["rset"]],
    ["QUIT", ["quit"]]
  ] as const
  const kinds = {
    connect: "to connect",
    tls: "TLS handshake",
    reply: "waiting for the server",
    content: "sending the content",
    client: "the client was silent"
  }

  /** At most five marks, at round times. */
  const marks = (span: number): ReadonlyArray<number> => {
    const rough = span / 5
    const power = 10 ** Math.floor(Math.log10(rough))
    const round = rough < 10_000
      ? [1, 2, 5, 10].map((n) => n * power)
      : [10, 15, 20, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600, 7_200, 21_600, 43_200].map((n) => n * 1_000)
    const step = round.find((step) => step >= rough) ?? rough
    return Array.from({ length: Math.floor(span / step + 1e-9) + 1 }, (_, n) => n * step)
  }

  /** `show` brings a line into view. */
  const draw = (detail: Detail<string>, show: (line: number) => void): HTMLElement | null => {
    const { bars, lines, troubles } = detail
    const span = lines.reduce((end, [, , offset]) => Math.max(end, offset ?? 0), 0)
    if (span === 0 || bars.length === 0) return null
    const x = (ms: number) => `${Math.max(0, Math.min(100, ms / span * 100))}%`
    const ticks = marks(span)
    const grid = (height: number) =>
      ticks.map((tick) => svg("line", { class: "grid", x1: x(tick), x2: x(tick), y1: 0, y2: height }))
    const failedAt = troubles.flatMap(({ evidence, outcome, stage }) => {
      const offset = lines[evidence.at(-1) ?? -1]?.[2] ?? null
      return outcome === "fine" || outcome === "unclear" || offset === null ? [] : [{ stage, offset }]
    })
    const wordsOf = ([what, , start, ms]: Bar) =>
      `${format.duration(ms)} ${kinds[what]}, from ${format.duration(start)} on`

    const laneOf = ([name, phases]: typeof lanes[number]) => {
      const within = (phase: string) => phases.some((each) => each === phase)
      const own = bars.filter(([, phase]) => within(phase))
      const failures = failedAt.filter(({ stage }) => within(stage))
      if (own.length === 0 && failures.length === 0) return null
      const sum = (silent: boolean) =>
        own.reduce((sum, [what, , , ms]) => (what === "client") === silent ? sum + ms : sum, 0)
      const drawing = svg("svg", { class: "lane", width: "100%", height: 24, "aria-hidden": "true" }, ...grid(24))
      for (const bar of own) {
        const [what, , start, ms, , to] = bar
        drawing.append(
          svg(
            "rect",
            {
              class: `bar ${what}`,
              x: x(start),
              width: x(ms),
              y: what === "client" ? 10 : 5,
              height: what === "client" ? 4 : 14,
              rx: 2,
              click: () => show(to)
            },
            svg("title", {}, wordsOf(bar))
          )
        )
        // what is there is seen, however short
        drawing.append(svg("line", { class: `edge ${what}`, x1: x(start), x2: x(start), y1: 5, y2: 19 }))
      }
      for (const { offset } of failures) {
        drawing.append(
          svg("circle", { class: "fault", cx: `${Math.max(1, Math.min(99, offset / span * 100))}%`, cy: 12, r: 5 })
        )
      }
      const silent = sum(true)
      const first = own[0]
      return el(
        "tr",
        {},
        el(
          "th",
          { scope: "row" },
          first === undefined
            ? name
            : el("button", { type: "button", class: "text-button", click: () => show(first[4]) }, name)
        ),
        el("td", { class: "plot-cell" }, drawing),
        el(
          "td",
          { class: "num" },
          format.duration(sum(false)),
          silent >= 1 && el("span", { class: "muted silent" }, ` client ${format.duration(silent)}`)
        )
      )
    }

    const axis = svg("svg", { class: "axis", width: "100%", height: 14, "aria-hidden": "true" })
    ticks.forEach((tick, n) => {
      const far = tick / span > 0.94
      axis.append(
        svg(
          "text",
          { x: x(tick), y: 11, "text-anchor": n === 0 ? "start" : far ? "end" : "middle" },
          format.duration(tick)
        )
      )
    })
    const used = new Set(bars.map(([what]) => what))
    const legend = (["connect", "tls", "reply", "content", "client"] as const).filter((what) => used.has(what))
    return el(
      "div",
      {},
      el(
        "table",
        { class: "waterfall", "aria-labelledby": "time-title" },
        el(
          "thead",
          {},
          el(
            "tr",
            {},
            el("th", { scope: "col" }, "Phase"),
            el("td", { class: "plot-cell" }, axis),
            el("th", { scope: "col", class: "num" }, "Waits")
          )
        ),
        el("tbody", {}, ...lanes.map(laneOf))
      ),
      el(
        "p",
        { class: "legend muted", "aria-hidden": "true" },
        ...legend.map((what) =>
          el(
            "span",
            {},
            svg("svg", { width: 14, height: 10 }, svg("rect", { class: `bar ${what}`, width: 14, height: 10, rx: 2 })),
            kinds[what]
          )
        ),
        failedAt.length > 0 &&
          el(
            "span",
            {},
            svg("svg", { width: 12, height: 12 }, svg("circle", { class: "fault", cx: 6, cy: 6, r: 5 })),
            "trouble"
          )
      )
    )
  }
  return { draw }
}
export type Waterfall = ReturnType<typeof makeWaterfall>
