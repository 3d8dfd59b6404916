/**
 * Content that somebody else made: what decides how it may travel, found in one pass, and its line ends made right.
 */
import { makeRepair } from "../stuffing.ts"
import { concat } from "./bytes.ts"

export interface Facts {
  /** Octets once the line ends are right, the last one included. */
  readonly size: number
  readonly eightBit: boolean
  readonly longestLine: number
  readonly nul: boolean
}

export const makeScanner = (): {
  readonly push: (chunk: Uint8Array) => void
  readonly facts: () => Facts
} => {
  let size = 0
  let eightBit = false
  let nul = false
  let longest = 0
  let line = 0
  let cr = false
  const endLine = () => {
    if (line > longest) longest = line
    line = 0
    size += 2
  }
  return {
    push: (chunk) => {
      for (const octet of chunk) {
        if (octet === 10) {
          cr = false
          endLine()
          continue
        }
        if (cr) {
          endLine()
          cr = false
        }
        if (octet === 13) {
          cr = true
          continue
        }
        line++
        size++
        if (octet > 127) eightBit = true
        else if (octet === 0) nul = true
      }
    },
    facts: () => ({
      size: size + (cr || line > 0 ? 2 : 0),
      eightBit,
      nul,
      longestLine: Math.max(longest, line)
    })
  }
}

export const scan = (bytes: Uint8Array): Facts => {
  const scanner = makeScanner()
  scanner.push(bytes)
  return scanner.facts()
}

/** With every line end CRLF, the last one too; the array itself where nothing is to be repaired. */
export const repair = (bytes: Uint8Array): Uint8Array => {
  const by = makeRepair()
  const whole = by.push(bytes)
  const rest = by.end()
  return rest.length === 0 ? whole : concat([whole, rest])
}
