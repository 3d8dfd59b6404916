import type { Overview } from "@colloquy/cli/report/data"
import * as Model from "@colloquy/cli/report/model"
import * as Page from "@colloquy/cli/report/page"
import { visible } from "@colloquy/cli/report/text"
import type { LogEvent } from "@colloquy/core/LogEvent"
import * as LogReader from "@colloquy/core/LogReader"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, layer } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Path from "effect/Path"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { hostileGreeting, sample } from "../cli/reportSample.ts"
import { client, server } from "../core/logSupport.ts"
import * as Browser from "./Browser.ts"
import * as Machine from "./Machine.ts"

interface Made {
  readonly url: string
  readonly overview: Overview
}

/** Reports on disk, made once for all tests: of a day with a hostile server in it, and of ten thousand conversations. */
class Reports extends Context.Service<Reports, { readonly day: Made; readonly many: Made; readonly twice: Made }>()(
  "@colloquy/test/servers/Reports"
) {
  static readonly layer = Layer.effect(
    Reports,
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const { join } = yield* Path.Path
      const folder = yield* Machine.folder("report")
      const write = Effect.fnUntraced(function*(name: string, events: Iterable<LogEvent>) {
        const model = Model.make({ sources: [`logs/${name}.log`], program: "colloquy", made: Date.UTC(2026, 1, 7) })
        for (const conversation of LogReader.conversationsOf(events)) model.add(conversation)
        const report = model.finish()
        const path = join(folder, `${name}.html`)
        yield* Stream.run(Stream.encodeText(Stream.fromIterable(Page.pieces(report))), fs.sink(path))
        return { url: `file://${path}`, overview: report.overview }
      })
      const events = yield* Effect.provide(sample(120), TestClock.layer())
      return Reports.of({
        day: yield* write("day", events),
        many: yield* write("many", repeated(events, 10_000)),
        twice: yield* write("twice", twiceRefused)
      })
    })
  )
}

/** The conversations of these events over and over, each time an hour later. */
function* repeated(events: ReadonlyArray<LogEvent>, conversations: number): Iterable<LogEvent> {
  const own = new Set(events.map(({ session }) => session)).size
  for (let round = 0, left = conversations; left > 0; round++, left -= own) {
    const most = (events[0]?.session ?? 0) + left
    for (const event of events) {
      if (event.session >= most) continue
      yield {
        ...event,
        counter: event.counter + round * events.length,
        session: event.session + round * own,
        time: event.time + round * 3_600_000
      }
    }
  }
}

/** Two refusals in a row, of kinds that have different answers, and a third of the first kind. */
const twiceRefused = [
  server(1, "220 mail.test"),
  client(2, "MAIL FROM:<ann@mail.test>"),
  server(3, "250 Ok"),
  ...["550 5.1.1 no such user", "552 5.2.2 mailbox full", "550 5.1.1 no such user"].flatMap((reply, n) => [
    client(4 + 2 * n, `RCPT TO:<bob${n}@mail.test>`),
    server(5 + 2 * n, reply)
  ]),
  client(10, "QUIT"),
  server(11, "221 Bye")
]

const Everything = Layer.merge(Browser.layer, Reports.layer).pipe(Layer.provideMerge(NodeServices.layer))

const opened = Effect.fnUntraced(function*(which: "day" | "many" | "twice", hash = "") {
  const page = yield* Browser.Browser.use((browser) => browser.page)
  const { overview, url } = (yield* Reports)[which]
  yield* page.open(`${url}${hash}`)
  return { page, overview, url }
})

const all = (selector: string, value = "element.textContent") =>
  `[...document.querySelectorAll(${JSON.stringify(selector)})].map((element) => ${value})`
const count = (selector: string) => `document.querySelectorAll(${JSON.stringify(selector)}).length`
const rows = ".rows tbody tr"

layer(Everything, { excludeTestServices: true, timeout: "5 minutes" })("the report in a browser", (it) => {
  it.effect("shows what a hostile server says as it was said, and runs none of it", () =>
    Effect.gen(function*() {
      const { overview, page, url } = yield* opened("day", "#c120")
      assert.strictEqual(overview.rows[120]?.host, "mail.evil.example")
      const said = yield* page.evaluate<ReadonlyArray<string>>(all(".line.server .said"))
      assert.deepStrictEqual(said.slice(0, hostileGreeting.length), hostileGreeting.map(visible))
      assert.strictEqual(yield* page.evaluate("document.title"), "mail.evil.example · mail log report")
      assert.strictEqual(
        yield* page.evaluate(
          count("img, iframe, object, embed, base, form, link, svg[onload], main script, article script")
        ),
        0
      )
      const own = yield* page.evaluate<ReadonlyArray<string>>(all("script", "element.type || 'script'"))
      assert.deepStrictEqual([own.at(-1), new Set(own.slice(0, -1))], ["script", new Set(["application/json"])])
      assert.deepStrictEqual(
        yield* page.evaluate(all(".dialogue a", "[element.getAttribute('href'), element.rel, element.target]")),
        [
          ["https://good.example/help?x=1", "noreferrer noopener", "_blank"],
          ["https://xn--80ak6aa92e.example/", "noreferrer noopener", "_blank"]
        ]
      )
      assert.notMatch(
        yield* page.evaluate<string>("document.body.innerText"),
        // oxlint-disable-next-line no-control-regex -- a bell is one of the things that may not be there
        /[\u202a-\u202e\u2066-\u2069\u200b\u0007]/
      )
      assert.isTrue(yield* page.evaluate("document.documentElement.scrollWidth <= innerWidth"))
      assert.deepStrictEqual([page.requests(), page.complaints()], [[`${url}#c120`.replace(/#.*/, "")], []])
    }))

  it.effect("could not run or load anything else if it tried", () =>
    Effect.gen(function*() {
      const { page, url } = yield* opened("day")
      const tries = yield* page.evaluate<ReadonlyArray<string>>(`(async () => {
        const tried = async (what) => { try { await what(); return "done" } catch (error) { return error.name } }
        const violations = []
        document.addEventListener("securitypolicyviolation", (event) => violations.push(event.effectiveDirective))
        const outcomes = [
          await tried(() => { document.body.innerHTML += "<p>x</p>" }),
          await tried(() => { document.createElement("script").text = "document.title = 'owned'" }),
          await tried(() => fetch("https://127.0.0.1:9/")),
          await tried(() => new Promise((done, failed) => {
            const image = new Image()
            image.onload = done
            image.onerror = () => failed(new TypeError())
            image.src = "https://127.0.0.1:9/x.png"
          })),
          await tried(() => {
            const style = document.createElement("style")
            style.textContent = "body { display: none }"
            document.head.append(style)
            if (getComputedStyle(document.body).display !== "none") throw new TypeError()
          }),
          await tried(() => {
            document.body.setAttribute("onclick", "document.title = 'owned'")
            document.body.click()
            if (document.title !== "owned") throw new TypeError()
          })
        ]
        await new Promise((done) => setTimeout(done, 50))
        return [...outcomes, ...new Set(violations)]
      })()`)
      assert.deepStrictEqual(tries.slice(0, 6), Array.from({ length: 6 }, () => "TypeError"))
      assert.includeMembers(tries.slice(6), [
        "require-trusted-types-for",
        "connect-src",
        "img-src",
        "style-src-elem"
      ])
      assert.strictEqual(yield* page.evaluate("document.title"), "day.log · mail log report")
      assert.deepStrictEqual(page.requests().filter((address) => !address.startsWith(url)), [])
    }))

  it.effect("lists the conversations a page at a time, sorted as asked", () =>
    Effect.gen(function*() {
      const { overview, page } = yield* opened("day")
      assert.deepStrictEqual(
        [yield* page.evaluate(count(rows)), yield* page.evaluate("document.getElementById('found').textContent")],
        [50, "1 to 50 of 121 conversations"]
      )
      yield* page.click("#sort-duration")
      const longest = overview.rows.map(({ duration }) => duration ?? 0).toSorted((a, b) => b - a)
      assert.isAbove(longest[0] ?? 0, 60_000)
      const places = yield* page.evaluate<ReadonlyArray<string>>(all(`${rows} a`, "element.getAttribute('href')"))
      const listed = (hrefs: ReadonlyArray<string>) => hrefs.map((href) => overview.rows[Number(href.slice(2))])
      assert.deepStrictEqual(listed(places).map((row) => row?.duration), longest.slice(0, 50))
      assert.deepStrictEqual(yield* page.evaluate(all("[aria-sort]", "[element.textContent, element.ariaSort]")), [
        ["Duration↓", "descending"]
      ])
      assert.strictEqual(yield* page.evaluate("document.activeElement.id"), "sort-duration")
      yield* page.press("Enter")
      assert.deepStrictEqual(yield* page.evaluate(all("[aria-sort]", "element.ariaSort")), ["ascending"])
      yield* page.click("#pages button:last-child")
      assert.strictEqual(
        yield* page.evaluate("document.getElementById('found').textContent"),
        "101 to 121 of 121 conversations"
      )
      assert.strictEqual(yield* page.evaluate(count(rows)), 21)
    }))

  it.effect("filters by words, outcome, trouble, server and time", () =>
    Effect.gen(function*() {
      const { overview, page } = yield* opened("day")
      const found = page.evaluate<string>("document.getElementById('found').textContent")
      const expected = (keep: (row: Overview["rows"][number]) => boolean) => overview.rows.filter(keep).length
      const type = (text: string) =>
        page.evaluate(`(() => {
          const search = document.getElementById("search")
          search.value = ${JSON.stringify(text)}
          search.dispatchEvent(new Event("input"))
        })()`)
      yield* page.press("/")
      assert.strictEqual(yield* page.evaluate("document.activeElement.id"), "search")
      yield* type("GMAIL 535")
      const google = expected(({ host }) => host === "smtp.gmail.com")
      assert.isAbove(google, 0)
      assert.include(yield* found, `of ${google} conversation`)
      assert.deepStrictEqual(
        new Set(yield* page.evaluate<ReadonlyArray<string>>(all(`${rows} .code`))),
        new Set(["535 5.7.8"])
      )
      yield* type("there is no such thing")
      assert.strictEqual(yield* found, "No conversation is like that.")
      yield* type("")

      yield* page.click(".toggle.failed")
      assert.include(yield* found, `of ${expected(({ outcome }) => outcome === "failed")} conversations, 121 in all`)
      assert.strictEqual(yield* page.evaluate("document.querySelector('.toggle.failed').ariaPressed"), "true")
      yield* page.click(".toggle.failed")

      const [trouble] = overview.troubles
      yield* page.click("#troubles .text-button")
      assert.include(yield* found, `of ${expected(({ rule }) => rule === trouble?.rule)} conversation`)
      yield* page.click("#hosts .text-button")
      assert.strictEqual(yield* page.evaluate(count(".chip")), 2)
      yield* page.click(".chip")
      yield* page.click(".chip")
      assert.strictEqual(yield* found, "1 to 50 of 121 conversations")

      const { columns, start, width } = overview.volume ?? { columns: [], start: 0, width: 0 }
      yield* page.evaluate("document.querySelector('.column').focus()")
      yield* page.press("ArrowRight")
      yield* page.press("End")
      yield* page.press("Enter")
      const from = start + (columns.length - 1) * width
      const within = expected(({ time }) => time !== null && time >= from)
      assert.include(yield* found, `of ${within} conversation`)
      assert.strictEqual(yield* page.evaluate(count(".column")), columns.length)
    }))

  it.effect("opens a conversation by the keyboard, and comes back to its row", () =>
    Effect.gen(function*() {
      const { overview, page } = yield* opened("day")
      const at = overview.rows.findIndex(({ rule }) => rule === "authentication/google-bad-credentials")
      yield* page.evaluate(`document.getElementById("row-${at}").focus()`)
      yield* page.press("Enter")
      yield* page.evaluate("new Promise((done) => setTimeout(done, 50))")
      assert.strictEqual(yield* page.evaluate("document.activeElement.textContent"), "smtp.gmail.com:465")
      assert.strictEqual(yield* page.evaluate("document.getElementById('list-view').hidden"), true)

      const lines = yield* page.evaluate<ReadonlyArray<readonly [string, string]>>(
        all(
          ".line",
          "[element.querySelector('.who [aria-hidden]').textContent, element.querySelector('.said bdi').textContent]"
        )
      )
      assert.deepStrictEqual(lines.slice(13, 16), [
        ["C", "AUTH PLAIN ********************************"],
        ["S", "535-5.7.8 Username and Password not accepted. For more information, go to"],
        ["S", "535 5.7.8  https://support.google.com/mail/?p=BadCredentials y139sm19463388wmd.22 - gsmtp"]
      ])
      assert.deepStrictEqual(
        yield* page.evaluate(all(".line.evidence .who [aria-hidden]")),
        ["C", "S", "S", "!"]
      )
      assert.deepStrictEqual(
        yield* page.evaluate(all(".diagnosis h3, .diagnosis h4")),
        ["Google refused user name and password.", "Likely causes", "What to do", "Whom to ask", "Try again?"]
      )
      // the card stands beside the first line that it rests on
      const { card, line } = yield* page.evaluate<Record<"card" | "line", DOMRect>>(
        `({ card: document.querySelector(".diagnosis").getBoundingClientRect().toJSON(),
            line: document.querySelector(".line.evidence").getBoundingClientRect().toJSON() })`
      )
      assert.closeTo(card.top, line.top, 1)
      assert.isAbove(card.left, line.right)

      assert.deepStrictEqual(yield* page.evaluate(all(".waterfall tbody th")), ["TLS", "Greeting", "EHLO", "AUTH"])
      assert.strictEqual(yield* page.evaluate(count(".waterfall .fault")), 1)
      assert.strictEqual(yield* page.evaluate("getComputedStyle(document.querySelector('.step')).display"), "none")
      yield* page.click("#explain")
      assert.strictEqual(yield* page.evaluate("getComputedStyle(document.querySelector('.step')).display"), "block")

      yield* page.press("Escape")
      yield* page.evaluate("new Promise((done) => setTimeout(done, 50))")
      assert.strictEqual(yield* page.evaluate("document.activeElement.id"), `row-${at}`)
      assert.deepStrictEqual(page.complaints(), [])
    }))

  it.effect("sets each card beside its own lines, and none over another; what was said once is not said again", () =>
    Effect.gen(function*() {
      const { page } = yield* opened("twice", "#c0")
      const edges = (selector: string) =>
        page.evaluate<ReadonlyArray<DOMRect>>(all(selector, "element.getBoundingClientRect().toJSON()"))
      const cards = yield* edges(".diagnosis")
      const lines = yield* edges(".line")
      assert.deepStrictEqual(yield* page.evaluate(all(".line.evidence .no", "element.lastChild.textContent")), [
        "4",
        "5",
        "6",
        "7",
        "8",
        "9"
      ])
      assert.strictEqual(cards.length, 3)
      cards.forEach((card, at) => {
        assert.closeTo(card.top, lines[3 + 2 * at]?.top ?? 0, 1)
        assert.isAtLeast(card.top, cards[at - 1]?.bottom ?? 0)
      })
      const texts = yield* page.evaluate<ReadonlyArray<string>>(all(".diagnosis"))
      assert.deepStrictEqual(texts.map((text) => text.includes("What to do")), [true, true, false])
      assert.include(texts[2], "As on line 4.")
    }))

  it.effect("names every control, and has its headings in order", () =>
    Effect.gen(function*() {
      for (const hash of ["", "#c3"]) {
        const { page } = yield* opened("day", hash)
        const { nodes } = yield* page.call("Accessibility.getFullAXTree")
        const controls = (nodes as ReadonlyArray<Record<string, { readonly value?: string } | undefined>>).filter((
          { role }
        ) =>
          ["button", "link", "searchbox", "textbox", "combobox", "checkbox", "table", "toolbar", "navigation"].includes(
            role?.value ?? ""
          )
        )
        assert.isAbove(controls.length, 5)
        assert.deepStrictEqual(
          controls.filter(({ name }) => (name?.value ?? "").trim() === "").map(({ role }) => role?.value),
          []
        )
        const levels = yield* page.evaluate<ReadonlyArray<number>>(
          `[...document.querySelectorAll("h1, h2, h3, h4")].filter((element) => element.checkVisibility()).map((element) => Number(element.tagName[1]))`
        )
        assert.strictEqual(levels[0], 1)
        levels.forEach((level, at) => assert.isAtMost(level, (levels[at - 1] ?? 0) + 1, levels.join(" ")))
      }
    }))

  it.effect("fits a narrow screen, the dark, and paper", () =>
    Effect.gen(function*() {
      for (const hash of ["", "#c3", "#c120"]) {
        const { page } = yield* opened("day", hash)
        yield* page.call("Emulation.setDeviceMetricsOverride", {
          width: 360,
          height: 700,
          deviceScaleFactor: 1,
          mobile: true
        })
        assert.strictEqual(yield* page.evaluate("document.documentElement.scrollWidth"), 360)
        const background = page.evaluate<string>("getComputedStyle(document.body).backgroundColor")
        const light = yield* background
        yield* page.call("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: "dark" }] })
        assert.notStrictEqual(yield* background, light)
        yield* page.call("Emulation.setEmulatedMedia", { media: "print" })
        assert.strictEqual(yield* background, "rgb(255, 255, 255)")
        assert.strictEqual(
          yield* page.evaluate(
            `${all("input, select, .pages, .way", "element.checkVisibility()")}.some((isVisible) => isVisible)`
          ),
          false
        )
      }
    }))

  it.effect("shows ten thousand conversations with the elements of fifty", () =>
    Effect.gen(function*() {
      const { overview, page, url } = yield* opened("many")
      assert.strictEqual(overview.rows.length, 10_000)
      assert.strictEqual(
        yield* page.evaluate("document.getElementById('found').textContent"),
        "1 to 50 of 10,000 conversations"
      )
      assert.strictEqual(yield* page.evaluate(count(rows)), 50)
      assert.isBelow(yield* page.evaluate<number>(count("*")), 4_000)
      yield* page.click("#sort-what")
      yield* page.click("#pages button:last-child")
      assert.strictEqual(
        yield* page.evaluate("document.getElementById('found').textContent"),
        "9,951 to 10,000 of 10,000 conversations"
      )
      yield* page.click(`${rows}:last-child .what`)
      const [last] = (yield* page.evaluate<string>("location.hash")).match(/\d+/) ?? []
      const row = overview.rows[Number(last)]
      assert.strictEqual(
        yield* page.evaluate("document.querySelector('.verdict > span:last-child').textContent"),
        row?.what
      )
      assert.strictEqual(
        yield* page.evaluate("document.querySelector('.facts-row div:last-child dd').textContent"),
        `${row?.session} of process ${row?.process}`
      )
      assert.isBelow(yield* page.evaluate<number>(count("*")), 4_000)
      assert.deepStrictEqual([page.requests(), page.complaints()], [[url], []])
    }))
})
