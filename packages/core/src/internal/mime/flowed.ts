/**
 * Text that readers may wrap anew (RFC 3676, `format=flowed`): a paragraph is lines that end in a blank but the last.
 *
 * What the reader joins is the text as it was given, but for blanks at the end of a line, which have a meaning here.
 */
const width = 76

const stuffed = (line: string): string => /^(?: |>|From )/.test(line) ? ` ${line}` : line

const flowLine = (line: string): string => {
  if (line === "-- ") return line
  const text = line.trimEnd()
  if (text.startsWith(">") || text.length <= width) return stuffed(text)
  const lines: Array<string> = []
  let start = 0
  while (text.length - start > width) {
    let cut = text.lastIndexOf(" ", start + width)
    if (cut <= start) cut = text.indexOf(" ", start + width)
    // blanks stay at the end of the line that they break
    while (cut >= 0 && text.charCodeAt(cut + 1) === 32) cut++
    if (cut < 0) break
    lines.push(stuffed(text.slice(start, cut + 1)))
    start = cut + 1
  }
  lines.push(stuffed(text.slice(start)))
  return lines.join("\r\n")
}

/** Canonical text in, canonical text out. A line that begins with `>` stays a line. */
export const flow = (text: string): string => text.split("\r\n").map(flowLine).join("\r\n")
