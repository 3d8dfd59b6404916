/**
 * What a note of 4D's says in any language: a session was opened (host in quotes, port, and in brackets whether it is
 * secured), or a session was closed. 4D translates its sentences, so their shape is all there is to go by.
 */

const opening =
  /^[^'"]*\bSMTP\b[^'"]*['"«‹„“]\s*([^'"»›“”\s]{1,255})\s*['"»›“”][^'"]*?\b(\d{1,5})\b[^(]*(?:\((.{1,60}?)\))?\.?\s*$/u
/** Words that deny: `non sécurisé`, `unsecured`, `nicht gesichert`, `no seguro`. */
const denies = /^(?:un|in|non\b|no\b|not\b|nicht\b|não\b|ej\b|niet\b|нe)/iu

export interface OpeningNote {
  readonly host: string
  readonly port: number
  readonly secured: boolean
}

export const openingNote = (text: string): OpeningNote | undefined => {
  if (text.length > 400) return undefined
  const found = opening.exec(text)
  if (found === null) return undefined
  const [, host = "", port = "", state] = found
  return { host, port: Number(port), secured: state !== undefined && !denies.test(state.trim()) }
}

/** "Connection" in the languages that 4D is sold in: what closes names it, and nothing else short does. */
const connection =
  /con+e[cxs]|conex|verbind|forbind|anslut|yhtey|соедин|připoj|połąc|bağlant|σύνδεσ|接続|连接|連線|연결/iu

/** A short sentence with SMTP and a connection in it, without quotation, number or bracket. */
export const isClosingNote = (text: string): boolean =>
  text.length <= 60 && /\bSMTP\b/.test(text) && connection.test(text) && !/["'«„“\d(:]/u.test(text)
