/** Starts the report in the browser, and shows what the address asks for. A function that runs as its own text. */
import type { Overview } from "../data.ts"
import type { makeDetail } from "./detail.ts"
import type { makeDom } from "./dom.ts"
import type { makeFormat } from "./format.ts"
import type { makeList } from "./list.ts"
import type { makeOverview } from "./overview.ts"
import type { makeWaterfall } from "./waterfall.ts"

export interface Parts {
  readonly makeDetail: typeof makeDetail
  readonly makeDom: typeof makeDom
  readonly makeFormat: typeof makeFormat
  readonly makeList: typeof makeList
  readonly makeOverview: typeof makeOverview
  readonly makeWaterfall: typeof makeWaterfall
}

/* oxlint-disable unicorn/consistent-function-scoping -- it runs as text: there is no scope outside it */
export const main = (parts: Parts) => {
  const phaseNames: Readonly<Record<string, string>> = {
    connect: "Connect",
    tls: "TLS",
    greeting: "Greeting",
    ehlo: "EHLO",
    starttls: "STARTTLS",
    auth: "AUTH",
    mail: "MAIL",
    rcpt: "RCPT",
    data: "DATA",
    content: "Content",
    verdict: "Verdict",
    rset: "RSET",
    quit: "QUIT"
  }
  const dom = parts.makeDom()
  const format = parts.makeFormat()
  const { byId, el, fill } = dom
  const overview: Overview = JSON.parse(byId("overview").textContent ?? "")
  const list = parts.makeList({ dom, format, overview, phaseNames })
  const plots = parts.makeOverview({ dom, format, list, overview, phaseNames })
  const waterfall = parts.makeWaterfall({ dom, format })
  const detail = parts.makeDetail({ dom, format, list, overview, phaseNames, waterfall })

  const sources = () => {
    const names = overview.sources.map((path) =>
      path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1)
    )
    return names.length <= 3 ? names.join(", ") : `${names.slice(0, 2).join(", ")} and ${names.length - 2} more files`
  }
  const heads = () => {
    const { conversations, events, first, last, made, program } = overview
    fill("title", el("bdi", {}, sources()))
    fill(
      "subtitle",
      [
        ...(first === null || last === null ? [] : [format.range(first, last)]),
        format.plural(conversations, "conversation"),
        format.plural(events, "event")
      ].join(" · ")
    )
    fill(
      "colophon",
      `Made on ${format.date(made)}, ${format.minutes(made)} by ${program}. This file loads nothing and sends nothing.`
    )
  }

  let shown: number | undefined
  let scrolled = 0
  const show = () => {
    if (location.hash === "#main") return
    const found = /^#c(\d{1,9})$/.exec(location.hash)
    const at = found === null ? undefined : Number(found[1])
    const wasShown = shown
    if (at !== undefined && wasShown === undefined) scrolled = scrollY
    const isThere = at !== undefined && detail.draw(at)
    shown = isThere ? at : undefined
    byId("list-view").hidden = isThere
    byId("detail-view").hidden = !isThere
    if (isThere) {
      document.title = `${detail.title(at)} · mail log report`
      scrollTo(0, 0)
      byId("conversation-title").focus({ preventScroll: true })
    } else {
      document.title = `${sources()} · mail log report`
      byId("detail-view").replaceChildren()
      if (wasShown !== undefined) {
        scrollTo(0, scrolled)
        list.reveal(wasShown)
      }
    }
  }
  const draw = () => {
    heads()
    plots.draw()
    list.draw()
  }

  const zones = [...new Set(["UTC", ...(overview.zone === null ? [] : [overview.zone]), format.here])].filter(
    format.isZone
  )
  const select = byId("zone")
  select.append(...zones.map((zone) => el("option", { value: zone }, zone)))
  select.addEventListener("change", () => {
    if (select instanceof HTMLSelectElement) format.setZone(select.value)
    draw()
    if (shown !== undefined) detail.draw(shown)
  })
  addEventListener("hashchange", show)
  addEventListener("keydown", (event) => {
    const { target } = event
    const isTyping = (target instanceof HTMLInputElement && target.type === "search") ||
      target instanceof HTMLSelectElement
    if (event.key === "Escape" && shown !== undefined && !isTyping) location.hash = ""
    if (event.key === "/" && shown === undefined && !isTyping) {
      event.preventDefault()
      list.focusSearch()
    }
  })
  draw()
  show()
}
