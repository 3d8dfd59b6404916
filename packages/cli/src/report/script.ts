/**
 * The report's script: the functions under `client/` as their own text, so that the compiler checks what the browser runs.
 *
 * Each of them uses nothing outside itself but types and the browser.
 */
import { makeDetail } from "./client/detail.ts"
import { makeDom } from "./client/dom.ts"
import { makeFormat } from "./client/format.ts"
import { makeList } from "./client/list.ts"
import { main, type Parts } from "./client/main.ts"
import { makeOverview } from "./client/overview.ts"
import { makeWaterfall } from "./client/waterfall.ts"

const parts: Parts = { makeDetail, makeDom, makeFormat, makeList, makeOverview, makeWaterfall }

/** What types leave behind where they are stripped. */
const tidy = (text: string) => text.replaceAll(/[ \t]+$/gm, "").replaceAll(/\n{2,}/g, "\n")

export const script: string = `"use strict"
;(${tidy(String(main))})({
${Object.entries(parts).map(([name, part]) => `${name}: ${tidy(String(part))}`).join(",\n")}
})
`
