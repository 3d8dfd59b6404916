/**
 * The report as one HTML file.
 *
 * Invariant: the markup is the same for every log. What a log says is in `<script type="application/json">` elements
 * alone, in which no `<` occurs, and becomes text nodes. The page's own policy lets it do nothing but run its own script
 * and style, which it names by their SHA-256: no other script, no request, no image, no form, no frame, no markup made
 * from a text (Trusted Types). RFC 8259, CSP Level 3.
 */
import { createHash } from "node:crypto"
import type { Part } from "./data.ts"
import type { Report } from "./model.ts"
import { script } from "./script.ts"
import { style } from "./style.ts"

/** JSON that is inert inside a script element: no end tag, no comment, and no line separator. */
export const embed = (value: unknown): string =>
  JSON.stringify(value).replaceAll(
    /[<\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`
  )

const hash = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`

export const policy = [
  "default-src 'none'",
  `script-src ${hash(script)}`,
  `style-src ${hash(style)}`,
  "base-uri 'none'",
  "form-action 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'"
].join("; ")

const head = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta http-equiv="x-dns-prefetch-control" content="off">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>Mail log report</title>
<style>${style}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header class="top">
  <div>
    <p class="brand">Colloquy · mail log report</p>
    <h1 id="title">Mail log</h1>
    <p id="subtitle" class="muted"></p>
  </div>
  <label class="field no-print">Times in <select id="zone"></select></label>
</header>
<main id="main" tabindex="-1">
<noscript><p class="notice">This report draws itself with the script that is inside this file. Allow scripts for it; it loads nothing and sends nothing.</p></noscript>
<div id="list-view">
  <section aria-labelledby="overview-title">
    <h2 id="overview-title">Overview</h2>
    <div id="outcomes" class="outcomes"></div>
    <div id="notices"></div>
    <div class="card wide" id="volume-card">
      <h3 id="volume-title">Conversations over time</h3>
      <div id="volume"></div>
    </div>
    <div class="columns">
      <div class="card"><h3 id="troubles-title">What went wrong</h3><div id="troubles"></div></div>
      <div class="card"><h3 id="hosts-title">Servers</h3><div id="hosts"></div></div>
    </div>
    <div class="card wide"><h3 id="latency-title">How long the answers took</h3><div id="latency"></div></div>
  </section>
  <section aria-labelledby="list-title">
    <h2 id="list-title">Conversations</h2>
    <div id="filters" class="filters no-print" role="search" aria-label="Filter the conversations"></div>
    <p id="found" class="muted" aria-live="polite"></p>
    <div id="rows"></div>
    <nav id="pages" class="pages no-print" aria-label="Pages of the list"></nav>
  </section>
</div>
<article id="detail-view" hidden></article>
</main>
<footer class="muted"><p id="colophon"></p></footer>
`

const data = (id: string, value: unknown): string =>
  `<script type="application/json" id="${id}">${embed(value)}</script>\n`

const part = (value: Part, at: number): string => data(`part-${at}`, value)

/** The pieces of the file, in order. */
export function* pieces({ overview, parts }: Report): Iterable<string> {
  yield head
  yield data("overview", overview)
  let at = 0
  for (const each of parts) yield part(each, at++)
  yield `<script>${script}</script>\n</body>\n</html>\n`
}
