/** The overview's figures and plots, in the browser. A function that runs as its own text. */
import type { Latency, Outcome, Overview } from "../data.ts"
import type { Dom } from "./dom.ts"
import type { Format } from "./format.ts"
import type { List } from "./list.ts"

export interface OverviewParts {
  readonly dom: Dom
  readonly format: Format
  readonly list: List
  readonly overview: Overview
  readonly phaseNames: Readonly<Record<string, string>>
}

/* oxlint-disable unicorn/consistent-function-scoping -- it runs as text: there is no scope outside it */
export const makeOverview = ({ dom, format, list, overview, phaseNames }: OverviewParts) => {
  const { byId, el, fill, icon, labels, svg } = dom
  /** As in the columns of the volume. */
  const order: ReadonlyArray<Outcome> = ["failed", "partial", "unclear", "fine"]

  const outcomes = () => {
    const { conversations, counts } = overview
    let x = 0
    const bar = svg("svg", { class: "share", width: "100%", height: 10, "aria-hidden": "true" })
    for (const outcome of order) {
      const width = conversations === 0 ? 0 : counts[outcome] / conversations * 100
      if (width === 0) continue
      bar.append(svg("rect", { class: outcome, x: `${x}%`, width: `${width}%`, height: 10 }))
      x += width
    }
    fill(
      "outcomes",
      el(
        "dl",
        { class: "figures" },
        ...order.map((outcome) =>
          el(
            "div",
            { class: counts[outcome] === 0 ? "figure none" : "figure" },
            el("dt", {}, icon(outcome), labels[outcome]),
            el(
              "dd",
              {},
              el("span", { class: "big" }, format.number(counts[outcome])),
              " ",
              el("span", { class: "muted" }, format.percent(counts[outcome], conversations))
            )
          )
        )
      ),
      bar
    )
  }

  const notices = () => {
    const { conversations, lost, rows, unread, unreadLines } = overview
    const notice = (...children: Parameters<typeof el>[2][]) => el("div", { class: "notice" }, ...children)
    fill(
      "notices",
      rows.length < conversations && notice(
        `The list has ${format.number(rows.length)} of ${
          format.number(conversations)
        } conversations: of those that went well, the oldest were left out. The overview counts all.`
      ),
      lost > 0 && notice(
        `${format.plural(lost, "event")} ${lost === 1 ? "was" : "were"} lost when the log was written.`
      ),
      unread > 0 && el(
        "details",
        { class: "notice" },
        el("summary", {}, `${format.plural(unread, "line")} could not be read.`),
        el(
          "ul",
          { class: "unread" },
          ...unreadLines.map(({ line, source, text }) =>
            el("li", {}, el("span", { class: "muted" }, `${source}, line ${line}: `), el("code", {}, text))
          )
        ),
        unread > unreadLines.length && el("p", { class: "muted" }, `The first ${unreadLines.length} are shown.`)
      )
    )
  }

  const volume = () => {
    const { volume } = overview
    byId("volume-card").hidden = volume === null
    if (volume === null) return
    const { columns, start, width } = volume
    const total = (column: ReadonlyArray<number>) => column.reduce((a, b) => a + b, 0)
    const most = columns.reduce((most, column) => Math.max(most, total(column)), 1)
    const height = 132
    const day = 86_400_000
    const label = (time: number) =>
      width >= day ? format.dayAndMonth(time) : width < 60_000 ? format.clock(time) : format.minutes(time)

    const buttons = columns.map((column, at) => {
      const from = start + at * width
      const said = order.flatMap((outcome, n) => {
        const count = column[n] ?? 0
        return count === 0 ? [] : [`${count} ${labels[outcome].toLowerCase()}`]
      })
      const text = `${format.date(from)}, ${format.clock(from)}: ${said.length === 0 ? "none" : said.join(", ")}`
      const drawing = svg("svg", { width: "100%", height, "aria-hidden": "true" })
      let y = height
      for (const [n, outcome] of order.entries()) {
        const count = column[n] ?? 0
        if (count === 0) continue
        // what is there is seen, however much else there is
        const size = Math.max(2, count / most * height)
        y -= size
        drawing.append(svg("rect", { class: outcome, x: "8%", width: "84%", y: Math.max(0, y), height: size }))
      }
      return el(
        "button",
        {
          type: "button",
          class: "column",
          tabindex: at === 0 ? 0 : -1,
          title: text,
          "aria-label": text,
          click: () => list.filter({ from, to: from + width, span: text.slice(0, text.indexOf(": ")) })
        },
        drawing
      )
    })
    const move = (event: Event) => {
      if (!(event instanceof KeyboardEvent)) return
      const now = buttons.findIndex((button) => button === document.activeElement)
      const step: Readonly<Record<string, number>> = {
        ArrowLeft: now - 1,
        ArrowRight: now + 1,
        Home: 0,
        End: buttons.length - 1
      }
      const next = buttons[step[event.key] ?? -1]
      if (next === undefined) return
      event.preventDefault()
      for (const button of buttons) button.tabIndex = button === next ? 0 : -1
      next.focus()
    }
    const unit = [1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 24, 30, 48, 60].map((n) => n * width)
    const round = [1_000, 5_000, 15_000, 30_000, 60_000, 300_000, 900_000, 1_800_000, 3_600_000, 7_200_000, 10_800_000]
    const step =
      [...round, 21_600_000, 43_200_000, day, 2 * day, 7 * day, 28 * day].find((step) =>
        unit.includes(step) && columns.length * width / step <= 6
      ) ?? Math.ceil(columns.length / 7) * width
    const axis = svg("svg", { class: "axis", width: "100%", height: 18, "aria-hidden": "true" })
    columns.forEach((_, at) => {
      const time = start + at * width
      if (time % step !== 0 && !(step % width !== 0 && at === 0)) return
      const place = at / columns.length
      if (place > 0.94) return
      axis.append(
        svg("text", { x: `${place * 100}%`, y: 14 }, label(time))
      )
    })
    const scale = svg("svg", { class: "scale", width: "100%", height, "aria-hidden": "true" })
    for (const share of [0, 0.5, 1]) {
      const y = height - share * (height - 1) - 0.5
      scale.append(svg("line", { class: "grid", x1: 0, x2: "100%", y1: y, y2: y }))
    }
    const span = width % day === 0 ? format.plural(width / day, "day") : format.duration(width).replace(/ 0 min$/, "")
    const plot = el(
      "div",
      { class: "plot" },
      scale,
      el(
        "div",
        {
          class: "bars",
          role: "toolbar",
          "aria-label": "Conversations over time; choose a column to list its conversations",
          keydown: move
        },
        ...buttons
      ),
      axis
    )
    plot.style.maxWidth = `${columns.length * 3}rem`
    fill(
      "volume",
      el(
        "div",
        { class: "volume" },
        el(
          "div",
          { class: "y-axis muted", "aria-hidden": "true" },
          el("span", {}, format.number(most)),
          el("span", {}, most % 2 === 0 ? format.number(most / 2) : ""),
          el("span", {}, "0")
        ),
        plot
      ),
      el(
        "p",
        { class: "muted caption" },
        `A column is ${span}. Choose one to list its conversations.`
      )
    )
  }

  const bars = (
    labelledBy: string,
    head: ReadonlyArray<string>,
    rows: ReadonlyArray<{
      readonly name: Node | string
      readonly counts: Readonly<Partial<Record<Outcome, number>>>
      readonly cells: ReadonlyArray<string>
    }>
  ) => {
    const size = (counts: Readonly<Partial<Record<Outcome, number>>>) =>
      order.reduce((sum, outcome) => sum + (counts[outcome] ?? 0), 0)
    const most = rows.reduce((most, { counts }) => Math.max(most, size(counts)), 1)
    return el(
      "table",
      { class: "bars-table", "aria-labelledby": labelledBy },
      el(
        "thead",
        {},
        el("tr", {}, ...head.map((text, at) => el("th", { scope: "col", class: at > 0 && "num" }, text)))
      ),
      el(
        "tbody",
        {},
        ...rows.map(({ cells, counts, name }) => {
          const drawing = svg("svg", { class: "share", width: "100%", height: 5, "aria-hidden": "true" })
          let x = 0
          for (const outcome of order) {
            const width = (counts[outcome] ?? 0) / most * 100
            if (width > 0) drawing.append(svg("rect", { class: outcome, x: `${x}%`, width: `${width}%`, height: 5 }))
            x += width
          }
          return el(
            "tr",
            {},
            el("th", { scope: "row" }, name, drawing),
            ...cells.map((cell) => el("td", { class: "num" }, cell))
          )
        })
      )
    )
  }

  const troubles = () => {
    const { otherTroubles, troubles } = overview
    fill(
      "troubles",
      troubles.length === 0
        ? el("p", { class: "muted" }, "Nothing.")
        : bars("troubles-title", ["Trouble", "Count"], [
          ...troubles.map(({ count, rule, what }) => ({
            name: el(
              "button",
              { type: "button", class: "text-button", click: () => list.filter({ rule, ruleText: what }) },
              what
            ),
            counts: { failed: count },
            cells: [format.number(count)]
          })),
          ...(otherTroubles > 0
            ? [{ name: "Others", counts: { failed: otherTroubles }, cells: [format.number(otherTroubles)] }]
            : [])
        ])
    )
  }

  const hosts = () => {
    const { hosts, otherHosts } = overview
    const sum = (counts: Overview["counts"]) => order.reduce((sum, outcome) => sum + counts[outcome], 0)
    if (hosts.length === 0) return fill("hosts", el("p", { class: "muted" }, "None."))
    fill(
      "hosts",
      bars("hosts-title", ["Server", "Count", "Trouble"], [
        ...hosts.map(({ counts, host }) => ({
          name: host === ""
            ? "not named in the log"
            : el("button", { type: "button", class: "text-button", click: () => list.filter({ host }) }, host),
          counts,
          cells: [format.number(sum(counts)), format.percent(counts.failed + counts.partial, sum(counts))]
        })),
        ...(otherHosts > 0
          ? [{ name: "Others", counts: { unclear: otherHosts }, cells: [format.number(otherHosts), ""] }]
          : [])
      ])
    )
  }

  const latency = () => {
    const { latency } = overview
    const most = latency.reduce((most, { max }) => Math.max(most, max), 10)
    const round = [1, 10, 100, 1_000, 10_000, 60_000, 600_000, 3_600_000, 36_000_000]
    const end = round.find((tick) => tick >= most) ?? most
    const ticks = round.filter((tick) => tick <= end)
    const place = (ms: number) => `${Math.min(98, 2 + Math.log10(Math.max(1, ms)) / Math.log10(end) * 96)}%`
    const drawing = ({ max, median, p90, p99, phase }: Latency) => {
      const plot = svg("svg", { class: "spread", width: "100%", height: 22, "aria-hidden": "true" })
      plot.append(svg("title", {}, `${phaseNames[phase]}: median ${format.duration(median)}`))
      for (const tick of ticks) {
        plot.append(svg("line", { class: "grid", x1: place(tick), x2: place(tick), y1: 0, y2: 22 }))
      }
      plot.append(
        svg("line", { class: "reach", x1: place(median), x2: place(max), y1: 11, y2: 11 }),
        svg("line", { class: "bulk", x1: place(median), x2: place(p90), y1: 11, y2: 11 }),
        svg("line", { class: "tick", x1: place(p99), x2: place(p99), y1: 6, y2: 16 }),
        svg("circle", { class: "end", cx: place(max), cy: 11, r: 2.5 }),
        svg("circle", { class: "median", cx: place(median), cy: 11, r: 5 })
      )
      return plot
    }
    const axis = svg("svg", { class: "axis", width: "100%", height: 14, "aria-hidden": "true" })
    for (const [n, tick] of ticks.entries()) {
      axis.append(
        svg(
          "text",
          {
            class: n % 2 === 1 && n < ticks.length - 1 ? "spare" : undefined,
            x: place(tick),
            y: 11,
            "text-anchor": n === 0 ? "start" : n === ticks.length - 1 ? "end" : "middle"
          },
          format.duration(tick)
        )
      )
    }
    fill(
      "latency",
      latency.length === 0
        ? el("p", { class: "muted" }, "The log tells no times.")
        : el(
          "div",
          {},
          el(
            "table",
            { class: "latency", "aria-labelledby": "latency-title" },
            el(
              "thead",
              {},
              el(
                "tr",
                {},
                el("th", { scope: "col" }, "Phase"),
                el("td", { class: "plot-cell" }, axis),
                ...["Median", "90 %", "99 %", "Longest", "Waits"].map((text) =>
                  el("th", { scope: "col", class: text === "Waits" || text === "99 %" ? "num spare" : "num" }, text)
                )
              )
            ),
            el(
              "tbody",
              {},
              ...latency.map((each) =>
                el(
                  "tr",
                  {},
                  el("th", { scope: "row" }, phaseNames[each.phase] ?? each.phase),
                  el("td", { class: "plot-cell" }, drawing(each)),
                  el("td", { class: "num" }, format.duration(each.median)),
                  el("td", { class: "num" }, format.duration(each.p90)),
                  el("td", { class: "num spare" }, format.duration(each.p99)),
                  el("td", { class: "num" }, format.duration(each.max)),
                  el("td", { class: "num spare" }, format.number(each.count))
                )
              )
            )
          ),
          el(
            "p",
            { class: "muted caption" },
            "Dot: the median. Thick line: to 90 % of the waits. Tick: 99 %. Thin line: to the longest. The scale is logarithmic."
          )
        )
    )
  }

  const draw = () => {
    outcomes()
    notices()
    volume()
    troubles()
    hosts()
    latency()
  }
  return { draw }
}
