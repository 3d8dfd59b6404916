import * as Model from "@colloquy/cli/report/model"
import * as Page from "@colloquy/cli/report/page"
import { script } from "@colloquy/cli/report/script"
import { style } from "@colloquy/cli/report/style"
import type { LogEvent } from "@colloquy/core/LogEvent"
import * as LogReader from "@colloquy/core/LogReader"
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import { createHash } from "node:crypto"
import { anyEvent } from "../core/logSupport.ts"

/** What tries to get out of a script element, or to be markup. */
const ways = [
  "</script>",
  "</SCRIPT >",
  "</script",
  "<!--",
  "-->",
  "<script>",
  "<![CDATA[",
  "]]>",
  "\"><img src=x onerror=alert(1)>",
  "<svg/onload=alert(1)>",
  "\u2028",
  "\u2029",
  "\\u003c/script>",
  "\\",
  "\"",
  "&lt;",
  "<",
  "a"
] as const
const texts = Arbitrary.map(Arbitrary.schema(Schema.Array(Schema.Literals(ways))), (ways) => ways.join(""))

const hostileEvent = Arbitrary.map(Arbitrary.all([anyEvent, texts]), ([event, text]): LogEvent => {
  switch (event._tag) {
    case "ClientLine":
    case "ServerLine":
    case "HeaderLine":
    case "BodyLine":
      return { ...event, line: `${event.line}${text}` }
    case "Connecting":
    case "Connected":
      return { ...event, host: text }
    case "Failed":
      return { ...event, reason: text, message: text }
    case "Unread":
    case "Note":
      return { ...event, text }
    case "Opened":
      return { ...event, zone: text }
    default:
      return event
  }
})

const report = (events: ReadonlyArray<LogEvent>, sources: ReadonlyArray<string>) => {
  const model = Model.make({ sources, program: "colloquy", made: 0 })
  for (const conversation of LogReader.conversationsOf(events)) model.add(conversation)
  const { overview, parts } = model.finish()
  return { overview, parts: [...parts] }
}
const pageOf = (made: ReturnType<typeof report>) => [...Page.pieces(made)].join("")

const sha256 = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`

/** Relative luminance of `#rrggbb` (WCAG 2.2). */
const luminance = (color: string) => {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(color.slice(at, at + 2), 16) / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}

const dataElement = /<script type="application\/json" id="([\w-]+)">(.*?)<\/script>\n/gs

describe("the report's page", () => {
  it.prop(
    "has no way out of its data, whatever a log says: all else is the same for every log",
    [Arbitrary.array(hostileEvent), texts],
    ([events, name]) => {
      const made = report(events, [name])
      const page = pageOf(made)
      const found = [...page.matchAll(dataElement)]
      assert.deepStrictEqual(found.map(([, id]) => id), ["overview", ...made.parts.map((_, at) => `part-${at}`)])
      for (const [, , json = ""] of found) assert.notMatch(json, /[<\u2028\u2029]/)
      assert.deepStrictEqual(
        found.map(([, , json = ""]) => JSON.parse(json)),
        JSON.parse(JSON.stringify([made.overview, ...made.parts]))
      )
      assert.strictEqual(page.replaceAll(dataElement, ""), pageOf(report([], [])).replaceAll(dataElement, ""))
    }
  )

  it("lets its own script and style run, and nothing else happen", () => {
    const page = pageOf(report([], []))
    const between = (start: string, end: string) =>
      page.slice(page.lastIndexOf(start) + start.length, page.lastIndexOf(end))
    const [, policy = ""] = /http-equiv="Content-Security-Policy" content="([^"]+)"/.exec(page) ?? []
    assert.deepStrictEqual(policy.split("; "), [
      "default-src 'none'",
      `script-src ${sha256(between("<script>", "</script>"))}`,
      `style-src ${sha256(between("<style>", "</style>"))}`,
      "base-uri 'none'",
      "form-action 'none'",
      "require-trusted-types-for 'script'",
      "trusted-types 'none'"
    ])
    // before anything that it forbids
    assert.isBelow(page.indexOf("Content-Security-Policy"), page.indexOf("<style>"))
  })

  it("asks for nothing from anywhere", () => {
    const page = pageOf(report([], [])).replace("http://www.w3.org/2000/svg", "")
    assert.notMatch(page, /https?:\/\/[a-z]|\bsrc=|url\(|@import|\bfetch\b|XMLHttpRequest|\bimport\(/)
  })

  it("makes no markup of a text, and its script ends where it ends", () => {
    assert.notMatch(script, /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|srcdoc/)
    assert.notMatch(script, /<\/|<!--|\r/)
    assert.notMatch(style, /<|\r/)
  })

  it("has enough contrast for its texts, in light, dark and on paper (WCAG 2.2 §1.4.3)", () => {
    const themes = [...style.matchAll(/:root \{(.*?)\}/gs)].map(([, text = ""]) =>
      new Map([...text.matchAll(/--([\w-]+): (#[0-9a-f]{6})/g)].map(([, name = "", color = ""]) => [name, color]))
    )
    assert.strictEqual(themes.length, 3)
    const pairs = [
      ...["ink", "muted", "accent", "failed", "partial", "fine", "unclear"].flatMap((text) => [
        [text, "card"],
        [text, "paper"]
      ]),
      ...["ink", "muted", "accent", "failed"].map((text) => [text, "failed-faint"]),
      ...["ink", "muted", "accent", "partial"].map((text) => [text, "partial-faint"]),
      ...["ink", "muted", "accent"].map((text) => [text, "accent-faint"]),
      ...["ink", "muted"].map((text) => [text, "faint"])
    ]
    for (const theme of themes) {
      for (const [text = "", ground = ""] of pairs) {
        const [a, b] = [text, ground].map((name) => luminance(theme.get(name) ?? "none"))
        assert.isAtLeast(
          (Math.max(a ?? 0, b ?? 0) + 0.05) / (Math.min(a ?? 0, b ?? 0) + 0.05),
          4.5,
          `${text} ${theme.get(text)} on ${ground} ${theme.get(ground)}`
        )
      }
    }
  })

  it("is one text for JSON and for HTML", () => {
    assert.strictEqual(Page.embed("</script>\u2028\u2029é"), String.raw`"\u003c/script>\u2028\u2029é"`)
  })
})
