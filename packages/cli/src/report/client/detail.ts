/**
 * One conversation, in the browser: what happened, where the time went, and the dialogue with the diagnosis beside the
 * lines that it rests on. A function that runs as its own text.
 */
import type { Detail, Line, Overview, Part, Row, Trouble } from "../data.ts"
import type { Dom } from "./dom.ts"
import type { Format } from "./format.ts"
import type { List } from "./list.ts"
import type { Waterfall } from "./waterfall.ts"

export interface DetailParts {
  readonly dom: Dom
  readonly format: Format
  readonly list: List
  readonly overview: Overview
  readonly phaseNames: Readonly<Record<string, string>>
  readonly waterfall: Waterfall
}

/* oxlint-disable unicorn/consistent-function-scoping -- it runs as text: there is no scope outside it */
export const makeDetail = ({ dom, format, list, overview, phaseNames, waterfall }: DetailParts) => {
  const { badge, byId, el, linked } = dom
  const { partSize, rows } = overview
  /** A pause that is worth a line of its own. */
  const longPause = 1_000
  /** So many lines of content in a row are folded. */
  const foldedFrom = 5
  const partsKept = 4

  const parts = new Map<number, Part>()
  const partAt = (number: number): Part => {
    const known = parts.get(number)
    const part: Part = known ?? JSON.parse(byId(`part-${number}`).textContent ?? "")
    parts.delete(number)
    parts.set(number, part)
    const [oldest] = parts.keys()
    if (parts.size > partsKept && oldest !== undefined) parts.delete(oldest)
    return part
  }
  const detailAt = (at: number): Detail<string> | undefined => {
    const part = partAt(Math.floor(at / partSize))
    const found = part.details[at % partSize]
    if (found === undefined) return undefined
    const text = (place: number) => part.texts[place] ?? ""
    return {
      ...found,
      lines: found.lines.map(([who, number, offset, said, facts]): Line<string> =>
        facts === undefined
          ? [who, number, offset, text(said)]
          : [who, number, offset, text(said), facts.map(([label, value]) => [text(label), text(value)] as const)]
      ),
      troubles: found.troubles.map((trouble) => ({
        ...trouble,
        what: text(trouble.what),
        causes: trouble.causes.map(text),
        todo: trouble.todo.map(text),
        ask: trouble.ask === null ? null : text(trouble.ask),
        rule: text(trouble.rule),
        sources: trouble.sources.map(text)
      })),
      steps: found.steps.map(([line, said, isTrouble]) => [line, text(said), isTrouble])
    }
  }

  const show = (line: number) => {
    const element = document.getElementById(`line-${line}`)
    element?.closest("details")?.setAttribute("open", "")
    element?.scrollIntoView({ block: "center" })
    element?.focus({ preventScroll: true })
  }

  const pauses = {
    seconds: "Yes, after a short pause.",
    hours: "Yes, in some hours or tomorrow.",
    never: "Not before something was changed."
  }

  const listOf = (title: string, items: ReadonlyArray<string>, ordered: boolean) =>
    items.length === 0
      ? []
      : [el("h4", {}, title), el(ordered ? "ol" : "ul", {}, ...items.map((item) => el("li", {}, ...linked(item))))]

  const numbersOf = (detail: Detail<string>, evidence: ReadonlyArray<number>) => {
    const runs: Array<[from: number, to: number]> = []
    for (const at of evidence) {
      const last = runs.at(-1)
      if (last !== undefined && at === last[1] + 1) last[1] = at
      else runs.push([at, at])
    }
    const number = (at: number) => String(detail.lines[at]?.[1] ?? "")
    return runs.map(([from, to]) =>
      el(
        "button",
        { type: "button", class: "text-button", click: () => show(from) },
        from === to ? number(from) : `${number(from)} to ${number(to)}`
      )
    )
  }

  /** `same`: a card before this one says the rest. */
  const card = (detail: Detail<string>, trouble: Trouble<string>, at: number, same: Trouble<string> | undefined) => {
    const { ask, causes, evidence, outcome, retryAfter, rule, sources, stage, todo, what } = trouble
    const numbers = numbersOf(detail, evidence)
    const advice = () => [
      ...listOf("Likely causes", causes, false),
      ...listOf("What to do", todo, true),
      ...(ask === null ? [] : [el("h4", {}, "Whom to ask"), el("p", {}, ask)]),
      ...(retryAfter === null ? [] : [el("h4", {}, "Try again?"), el("p", {}, pauses[retryAfter])]),
      outcome !== "fine" && outcome !== "unclear" &&
      el(
        "details",
        { class: "source muted" },
        el("summary", {}, "How this is known"),
        el("p", {}, "Rule ", el("code", {}, rule), sources.length === 0 ? "" : ", from:"),
        sources.length > 0 && el("ul", {}, ...sources.map((source) => el("li", {}, ...linked(source))))
      )
    ]
    return el(
      "section",
      { class: `diagnosis ${outcome}`, "aria-labelledby": `diagnosis-${at}` },
      el("h3", { id: `diagnosis-${at}` }, dom.icon(outcome), what),
      el(
        "p",
        { class: "muted rests" },
        outcome === "fine" ? "" : `${phaseNames[stage] ?? ""}. `,
        ...(numbers.length === 0
          ? []
          : [`Rests on line `, ...numbers.flatMap((number, n) => n === 0 ? [number] : [", ", number]), "."])
      ),
      ...(same === undefined ? [] : [el("p", {}, "As on line ", ...numbersOf(detail, same.evidence.slice(0, 1)), ".")]),
      ...(same === undefined ? advice() : [])
    )
  }

  const speakers = { C: "C", S: "S", H: "C", B: "C", "#": "·", "!": "!" }
  const spoken = {
    C: "client",
    S: "server",
    H: "client, header",
    B: "client, body",
    "#": "done",
    "!": "trouble"
  }
  const kindOf = ([who, , , text]: Line<string>) =>
    who === "C" || who === "H" || who === "B"
      ? who === "C" ? "client" : "client content"
      : who === "S"
      ? text.startsWith("5") ? "server refused" : text.startsWith("4") ? "server deferred" : "server"
      : who === "!"
      ? "trouble"
      : "done"

  const lineOf = (line: Line<string>, at: number, isEvidence: boolean) => {
    const [who, number, offset, text, facts] = line
    const only = facts?.length === 1 ? facts[0] : undefined
    return el(
      "li",
      {
        class: `line ${kindOf(line)}${isEvidence ? " evidence" : ""}`,
        id: `line-${at}`,
        tabindex: -1
      },
      el("span", { class: "no" }, el("span", { class: "sr" }, "line "), String(number)),
      el("span", { class: "at" }, offset === null ? "" : (offset / 1_000).toFixed(3)),
      el(
        "span",
        { class: "who", title: spoken[who] },
        el("span", { "aria-hidden": "true" }, speakers[who]),
        el("span", { class: "sr" }, spoken[who])
      ),
      el(
        "span",
        { class: "said" },
        el("bdi", { dir: "ltr" }, ...(who === "S" ? linked(text) : [text])),
        isEvidence && el("span", { class: "sr" }, " (evidence)"),
        only !== undefined && el(
          "span",
          { class: only[0] === "" ? "words" : "only" },
          only[0] === "" ? "" : `${only[0]} `,
          el("bdi", { dir: "ltr" }, only[1])
        ),
        facts !== undefined && only === undefined &&
          el(
            "details",
            { class: "facts" },
            el("summary", {}, "Details"),
            el(
              "dl",
              {},
              ...facts.map(([label, value]) =>
                el("div", {}, el("dt", {}, label), el("dd", {}, el("bdi", { dir: "ltr" }, value)))
              )
            )
          )
      )
    )
  }

  const dialogue = (detail: Detail<string>) => {
    const { bars, cut, dropped, lines, steps, troubles } = detail
    const evidence = new Set(troubles.flatMap((trouble) => trouble.evidence))
    const stepAt = new Map(steps.map(([line, text, isTrouble]) => [line, { text, isTrouble }]))
    /** Where a card begins, and behind which line it stands where there is no room beside. */
    const cards = troubles.map((trouble, at) => ({
      from: trouble.evidence[0] ?? 0,
      behind: trouble.evidence.at(-1) ?? lines.length - 1,
      card: card(detail, trouble, at, troubles.slice(0, at).find(({ rule }) => rule === trouble.rule))
    })).toSorted((a, b) => a.from - b.from || a.behind - b.behind)

    /** As high as a card that has not enough lines beside it needs, and no higher. */
    const spare = "minmax(min-content, 0fr)"
    const items: Array<HTMLElement> = []
    const tracks: Array<string> = []
    const rowAt = new Map<number, number>()
    const put = (item: HTMLElement) => {
      tracks.push("auto")
      item.style.gridRow = String(tracks.length)
      items.push(item)
    }
    const notes: Array<{ readonly element: HTMLElement; readonly row: number }> = []
    const begins = new Set(cards.slice(1).map(({ from }) => from))
    const waits = {
      client: ", the client was silent",
      reply: ", waiting for the server",
      content: ", sending the content"
    }
    const waitBefore = (at: number) => {
      for (const [what, , , ms, from, to] of bars) {
        if (ms < longPause || what === "connect" || what === "tls") continue
        if (what === "content" ? to === at : from < at && at <= to) return waits[what]
      }
      return ""
    }

    let before: number | null = null
    for (let at = 0; at < lines.length; at++) {
      const line = lines[at]
      if (line === undefined) continue
      // room for the card before, which this one must not cover
      if (begins.has(at)) tracks.push(spare)
      if (dropped > 0 && at === cut) {
        put(el("li", { class: "gap" }, `${format.plural(dropped, "event")} left out`))
      }
      const [who, , offset] = line
      if (before !== null && offset !== null && offset - before >= longPause) {
        put(el("li", { class: "gap" }, `${format.duration(offset - before)}${waitBefore(at)}`))
      }
      if (offset !== null) before = offset
      const step = stepAt.get(at)
      if (step !== undefined) put(el("li", { class: step.isTrouble ? "step trouble" : "step" }, step.text))
      if (who === "H" || who === "B") {
        let end = at
        while (end < lines.length && (lines[end]?.[0] === "H" || lines[end]?.[0] === "B")) end++
        if (end - at >= foldedFrom) {
          const inside = lines.slice(at, end)
          const from = at
          const folded = el(
            "details",
            { class: "folded" },
            el("summary", {}, `${format.number(inside.length)} lines of content`)
          )
          folded.addEventListener("toggle", () => {
            if (folded.childElementCount > 1) return
            folded.append(el("ol", { class: "inner" }, ...inside.map((each, n) => lineOf(each, from + n, false))))
          })
          put(el("li", {}, folded))
          rowAt.set(at, tracks.length)
          at = end - 1
          continue
        }
      }
      put(lineOf(line, at, evidence.has(at)))
      rowAt.set(at, tracks.length)
      for (const { behind, card, from } of cards) {
        if (behind !== at) continue
        const row = rowAt.get(from) ?? tracks.length
        const last = notes.at(-1)
        if (last !== undefined && last.row >= row) last.element.append(card)
        else {
          const element = el("li", { class: "note" }, card)
          notes.push({ element, row })
          items.push(element)
        }
      }
    }
    notes.forEach(({ element, row }, n) => {
      element.style.gridRow = `${row} / ${notes[n + 1]?.row ?? -1}`
    })
    const element = el("ol", { class: "dialogue", "aria-labelledby": "dialogue-title" }, ...items)
    element.style.gridTemplateRows = `${tracks.join(" ")} ${spare}`
    return element
  }

  const fact = (label: string, ...value: ReadonlyArray<Node | string>) =>
    el("div", {}, el("dt", {}, label), el("dd", {}, ...value))

  const facts = (row: Row) => {
    const { duration, from, messages, octets, process, recipients, session, time, to } = row
    return el(
      "dl",
      { class: "facts-row" },
      ...(time === null
        ? []
        : [fact("Begun", `${format.date(time)}, ${format.exact(time)} ${format.zone() === "UTC" ? "UTC" : ""}`)]),
      ...(duration === null ? [] : [fact("Duration", format.duration(duration))]),
      ...(from === "" ? [] : [fact("From", el("bdi", {}, from))]),
      ...(to === ""
        ? []
        : [
          fact(
            recipients > 1 ? `To (${format.number(recipients)})` : "To",
            el("bdi", {}, recipients > 1 ? `${to}, …` : to)
          )
        ]),
      ...(octets === 0 ? [] : [fact("Content", format.octets(octets))]),
      ...(messages > 1 ? [fact("Accepted", format.plural(messages, "message"))] : []),
      fact("Session", `${session} of process ${process}`)
    )
  }

  let isExplained = false
  const draw = (at: number): boolean => {
    const row = rows[at]
    const detail = row === undefined ? undefined : detailAt(at)
    if (row === undefined || detail === undefined) return false
    const { after, before, of, position } = list.around(at)
    const server = row.host === "" ? "Conversation" : `${row.host}${row.port === null ? "" : `:${row.port}`}`
    const lines = dialogue(detail)
    lines.classList.toggle("explained", isExplained)
    const explain = el("input", {
      type: "checkbox",
      id: "explain",
      checked: isExplained,
      change: () => {
        isExplained = explain.checked
        lines.classList.toggle("explained", isExplained)
      }
    })
    const neighbour = (text: string, to: number | undefined) =>
      el("button", { type: "button", disabled: to === undefined, click: () => void (location.hash = `c${to}`) }, text)
    const time = waterfall.draw(detail, show)
    byId("detail-view").replaceChildren(
      el(
        "nav",
        { class: "way no-print", "aria-label": "Conversations" },
        el("a", { href: "#", class: "back" }, "← All conversations"),
        el(
          "span",
          { class: "steps" },
          position === undefined
            ? ""
            : el("span", { class: "muted" }, `${format.number(position + 1)} of ${format.number(of)}`),
          neighbour("Previous", before),
          neighbour("Next", after)
        )
      ),
      el("h2", { id: "conversation-title", tabindex: -1 }, el("bdi", {}, server)),
      el(
        "p",
        { class: "verdict" },
        badge(row.outcome),
        row.code === "" ? "" : el("code", { class: "code" }, row.code),
        el("span", {}, row.what)
      ),
      facts(row),
      ...(row.isPartial
        ? [el("p", { class: "notice" }, "The beginning or the end of this conversation is not in the log.")]
        : []),
      ...(time === null
        ? []
        : [
          el(
            "section",
            { class: "card wide", "aria-labelledby": "time-title" },
            el("h3", { id: "time-title" }, "Where the time went"),
            time
          )
        ]),
      el(
        "section",
        { class: "card wide", "aria-labelledby": "dialogue-title" },
        el(
          "div",
          { class: "card-head" },
          el("h3", { id: "dialogue-title" }, "Dialogue"),
          el("label", { class: "check no-print" }, explain, "Explain every step")
        ),
        lines
      )
    )
    return true
  }
  return { draw, title: (at: number) => rows[at]?.host ?? "" }
}
export type DetailView = ReturnType<typeof makeDetail>
