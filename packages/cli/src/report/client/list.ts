/**
 * The list of conversations, in the browser: sorted, filtered, a page at a time. A function that runs as its own text.
 *
 * Of ten thousand rows, those of one page are elements.
 */
import type { Outcome, Overview, Row } from "../data.ts"
import type { Dom } from "./dom.ts"
import type { Format } from "./format.ts"

export interface Filter {
  readonly rule?: string
  readonly ruleText?: string
  readonly host?: string
  readonly from?: number
  readonly to?: number
  readonly span?: string
}

export interface ListParts {
  readonly dom: Dom
  readonly format: Format
  readonly overview: Overview
  readonly phaseNames: Readonly<Record<string, string>>
}

/* oxlint-disable unicorn/consistent-function-scoping -- it runs as text: there is no scope outside it */
export const makeList = ({ dom, format, overview, phaseNames }: ListParts) => {
  const { badge, byId, el, fill, icon, labels } = dom
  const { rows } = overview
  const pageSize = 50
  const order: ReadonlyArray<Outcome> = ["failed", "partial", "unclear", "fine"]

  let query = ""
  let chosen = new Set<Outcome>()
  let filters: Filter = {}
  let sortedBy = "time"
  let descending = false
  let page = 0
  /** Positions in `rows`, as they are listed. */
  let listed: ReadonlyArray<number> = []

  const texts = new Map<number, string>()
  const textOf = (at: number): string => {
    const known = texts.get(at)
    const row = rows[at]
    if (known !== undefined || row === undefined) return known ?? ""
    const { code, from, host, port, process, session, to, what } = row
    const text = [host, port ?? "", from, to, code, what, `${process}/${session}`, `#${session}`].join(" ")
      .toLowerCase()
    texts.set(at, text)
    return text
  }

  const keys: Readonly<Record<string, (row: Row) => string | number>> = {
    time: ({ time }) => time ?? -1,
    server: ({ host }) => host,
    mail: ({ from, to }) => `${from} ${to}`,
    outcome: ({ outcome }) => order.indexOf(outcome),
    what: ({ what }) => what,
    duration: ({ duration }) => duration ?? -1,
    octets: ({ octets }) => octets
  }
  const columns = [
    ["time", "Begun"],
    ["server", "Server"],
    ["mail", "From, to"],
    ["outcome", "Outcome"],
    ["what", "What happened"],
    ["duration", "Duration"],
    ["octets", "Size"]
  ] as const

  const select = () => {
    const words = query.toLowerCase().split(/\s+/).filter((word) => word !== "")
    const { from, host, rule, to } = filters
    const found: Array<number> = []
    rows.forEach((row, at) => {
      if (chosen.size > 0 && !chosen.has(row.outcome)) return
      if (host !== undefined && row.host !== host) return
      if (rule !== undefined && row.rule !== rule) return
      if (from !== undefined && to !== undefined && (row.time === null || row.time < from || row.time >= to)) return
      if (words.length > 0) {
        const text = textOf(at)
        if (!words.every((word) => text.includes(word))) return
      }
      found.push(at)
    })
    const key = keys[sortedBy]
    if (key !== undefined) {
      const values = new Map(found.map((at) => {
        const row = rows[at]
        return [at, row === undefined ? "" : key(row)]
      }))
      const turn = descending ? -1 : 1
      found.sort((a, b) => {
        const [x = "", y = ""] = [values.get(a), values.get(b)]
        return (x < y ? -turn : x > y ? turn : 0) || a - b
      })
    }
    listed = found
  }

  const timeOf = ({ time }: Row): ReadonlyArray<Node | string> =>
    time === null
      ? ["not told"]
      : [el("span", { class: "day" }, format.date(time)), " ", el("span", { class: "clock" }, format.clock(time))]

  const mailOf = ({ from, recipients, to }: Row): ReadonlyArray<Node | string> =>
    from === "" && to === ""
      ? [el("span", { class: "muted" }, "no message")]
      : [
        el("span", { class: "address" }, from),
        el("span", { class: "address muted" }, `→ ${to}${recipients > 1 ? ` and ${recipients - 1} more` : ""}`)
      ]

  const cell = (label: string, className: string, ...children: ReadonlyArray<Node | string | null>) =>
    el("td", { role: "cell", class: className, "data-label": label }, ...children)

  const rowOf = (at: number) => {
    const row = rows[at]
    if (row === undefined) return null
    const { code, duration, host, isPartial, octets, outcome, port, slowest, what } = row
    return el(
      "tr",
      {
        role: "row",
        class: outcome,
        click: (event) => {
          const { target } = event
          if (target instanceof Element && target.closest("a") === null && String(getSelection() ?? "") === "") {
            location.hash = `c${at}`
          }
        }
      },
      el(
        "th",
        { role: "rowheader", scope: "row", "data-label": "Begun" },
        el("a", { href: `#c${at}`, id: `row-${at}` }, ...timeOf(row))
      ),
      cell(
        "Server",
        "server",
        host === "" ? "not named" : host,
        port === null ? null : el("span", { class: "port" }, `:${port}`)
      ),
      cell("From, to", "mail", ...mailOf(row)),
      cell("Outcome", "outcome", badge(outcome)),
      cell(
        "What happened",
        "what",
        code === "" ? null : el("code", { class: "code" }, code),
        what,
        isPartial ? el("span", { class: "muted" }, " Not all of it is in the log.") : null
      ),
      cell(
        "Duration",
        "num",
        duration === null ? "" : format.duration(duration),
        slowest === null
          ? null
          : el("span", { class: "muted slow" }, `${phaseNames[slowest.phase]} ${format.duration(slowest.ms)}`)
      ),
      cell("Size", "num", octets === 0 ? "" : format.octets(octets))
    )
  }

  const sortBy = (name: string) => {
    descending = sortedBy === name ? !descending : name === "duration" || name === "octets"
    sortedBy = name
    page = 0
    draw()
    byId(`sort-${name}`).focus()
  }

  const table = () => {
    const start = page * pageSize
    return el(
      "table",
      { class: "rows", role: "table", "aria-labelledby": "list-title", "aria-rowcount": listed.length + 1 },
      el(
        "thead",
        { role: "rowgroup" },
        el(
          "tr",
          { role: "row" },
          ...columns.map(([name, text]) =>
            el(
              "th",
              {
                role: "columnheader",
                scope: "col",
                "data-title": text,
                class: name === "duration" || name === "octets" ? "num" : undefined,
                "aria-sort": sortedBy === name ? (descending ? "descending" : "ascending") : undefined
              },
              el(
                "button",
                { type: "button", class: "sort", id: `sort-${name}`, click: () => sortBy(name) },
                text,
                el("span", { class: "arrow", "aria-hidden": "true" }, sortedBy === name ? (descending ? "↓" : "↑") : "")
              )
            )
          )
        )
      ),
      el("tbody", { role: "rowgroup" }, ...listed.slice(start, start + pageSize).map(rowOf))
    )
  }

  const go = (to: number) => {
    page = to
    draw()
    byId("list-title").scrollIntoView({ block: "start" })
  }

  const draw = () => {
    select()
    const pages = Math.max(1, Math.ceil(listed.length / pageSize))
    page = Math.min(page, pages - 1)
    const first = page * pageSize
    const count = Math.min(pageSize, listed.length - first)
    fill(
      "found",
      rows.length === 0
        ? "There is no conversation in the log."
        : listed.length === 0
        ? "No conversation is like that."
        : `${format.number(first + 1)} to ${format.number(first + count)} of ${
          format.plural(listed.length, "conversation")
        }${listed.length < rows.length ? `, ${format.number(rows.length)} in all` : ""}`
    )
    fill("rows", listed.length > 0 && table())
    const button = (text: string, to: number, disabled: boolean) =>
      el("button", { type: "button", disabled, click: () => go(to) }, text)
    fill(
      "pages",
      pages > 1 && button("First", 0, page === 0),
      pages > 1 && button("Previous", page - 1, page === 0),
      pages > 1 && el("span", { class: "muted" }, `Page ${page + 1} of ${format.number(pages)}`),
      pages > 1 && button("Next", page + 1, page === pages - 1),
      pages > 1 && button("Last", pages - 1, page === pages - 1)
    )
    chips()
    for (const [outcome, button] of toggles) button.setAttribute("aria-pressed", String(chosen.has(outcome)))
  }

  const count = (outcome: Outcome) => rows.reduce((sum, row) => row.outcome === outcome ? sum + 1 : sum, 0)
  const toggles = new Map(
    order.map((outcome) => [
      outcome,
      el(
        "button",
        {
          type: "button",
          class: `toggle ${outcome}`,
          "aria-pressed": "false",
          click: () => {
            chosen = new Set(
              chosen.has(outcome) ? [...chosen].filter((each) => each !== outcome) : [...chosen, outcome]
            )
            page = 0
            draw()
          }
        },
        icon(outcome),
        labels[outcome],
        el("span", { class: "muted" }, format.number(count(outcome)))
      )
    ])
  )
  const search = el("input", {
    type: "search",
    id: "search",
    placeholder: "Server, address, code, words…",
    autocomplete: "off",
    spellcheck: "false",
    input: () => {
      query = search.value
      page = 0
      draw()
    }
  })
  const chipsHere = el("div", { class: "chips" })
  fill(
    "filters",
    el("label", { class: "field search" }, el("span", {}, "Find"), search),
    el("div", { class: "toggles", role: "group", "aria-label": "Outcome" }, ...toggles.values()),
    chipsHere
  )

  const chips = () => {
    const { from, host, rule, ruleText, span, to, ...others } = filters
    const chip = (name: string, text: string, without: Filter) =>
      el(
        "button",
        {
          type: "button",
          class: "chip",
          "aria-label": `Remove the filter ${name} ${text}`,
          click: () => {
            filters = without
            page = 0
            draw()
            search.focus()
          }
        },
        el("span", { class: "muted" }, name),
        el("span", { class: "chip-text" }, text),
        el("span", { "aria-hidden": "true" }, "×")
      )
    const when = {
      ...(from === undefined ? {} : { from }),
      ...(to === undefined ? {} : { to }),
      ...(span === undefined ? {} : { span })
    }
    const where = host === undefined ? {} : { host }
    const why = rule === undefined ? {} : { rule, ...(ruleText === undefined ? {} : { ruleText }) }
    chipsHere.replaceChildren(
      ...(rule === undefined ? [] : [chip("trouble", ruleText ?? rule, { ...others, ...when, ...where })]),
      ...(host === undefined ? [] : [chip("server", host, { ...others, ...when, ...why })]),
      ...(from === undefined ? [] : [chip("from", span ?? "", { ...others, ...where, ...why })])
    )
  }

  return {
    draw,
    /** Adds to the filters, and shows what is left. */
    filter: (more: Filter) => {
      filters = { ...filters, ...more }
      page = 0
      draw()
      byId("list-title").scrollIntoView({ block: "start" })
    },
    /** The neighbours in the list as it is now. */
    around: (at: number) => {
      const position = listed.indexOf(at)
      return position < 0
        ? { before: undefined, after: undefined, position: undefined, of: listed.length }
        : { before: listed[position - 1], after: listed[position + 1], position, of: listed.length }
    },
    /** Brings the page of this conversation up, and its row into view. */
    reveal: (at: number) => {
      const position = listed.indexOf(at)
      if (position >= 0 && Math.floor(position / pageSize) !== page) {
        page = Math.floor(position / pageSize)
        draw()
      }
      document.getElementById(`row-${at}`)?.focus()
    },
    focusSearch: () => search.focus()
  }
}
export type List = ReturnType<typeof makeList>
