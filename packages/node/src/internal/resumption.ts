/**
 * TLS sessions that may be resumed (RFC 8446 §2.2, RFC 5077): a handshake without certificates.
 *
 * A resumed session is not verified by anybody: OpenSSL shows no certificate and asks no authority. So a ticket stands for
 * the verdict of the handshake that brought it, and is kept for the same trust policy alone: one `Tickets` belongs to one
 * value of `TlsOptions` (and its `SecureContext`), and in it to one peer and one name. It is good for as long as every
 * certificate of the chain is, one hour at most, counted from the handshake that was verified, not from the one that was
 * resumed last. A ticket is offered more than once: servers send no other when a session is resumed, and that a mail
 * client can be recognised (RFC 8446 §C.4) is no secret of its.
 *
 * Who keeps what is decided in `handshake.ts`: nothing of a handshake whose certificate an authority did not vouch for.
 */
import type { Certificate } from "@colloquy/core/Tls"

/** A ticket and what its first handshake found out. */
export interface Kept {
  readonly session: Uint8Array
  readonly chain: ReadonlyArray<Certificate>
  /** Milliseconds since the epoch. */
  readonly verifiedAt: number
}

export interface Tickets {
  /** The newest, where it is still good. */
  readonly get: (peer: string, now: number) => Kept | undefined
  readonly set: (peer: string, kept: Kept) => void
  readonly forget: (peer: string) => void
}

/** Milliseconds since the certificate was verified. */
export const maxAge = 3_600_000
/** Peers and names of one policy; the one that was kept first goes first. */
export const maxPeers = 32

const isGood = ({ chain, verifiedAt }: Kept, now: number): boolean =>
  now >= verifiedAt && now - verifiedAt < maxAge && chain.length > 0 &&
  chain.every(({ validFrom, validTo }) => validFrom <= now && now <= validTo)

export const make = (): Tickets => {
  const byPeer = new Map<string, Kept>()
  return {
    get: (peer, now) => {
      const kept = byPeer.get(peer)
      if (kept === undefined || isGood(kept, now)) return kept
      byPeer.delete(peer)
      return undefined
    },
    set: (peer, kept) => {
      byPeer.delete(peer)
      byPeer.set(peer, kept)
      const [oldest] = byPeer.keys()
      if (byPeer.size > maxPeers && oldest !== undefined) byPeer.delete(oldest)
    },
    forget: (peer) => void byPeer.delete(peer)
  }
}
