/** Every bound of the protocol, with its unit and its reason. Nothing else in the code states one. */
export const LIMITS = {
  /**
   * bytes of one frame on a stream, without its length prefix: the largest message (`record` of 100 members) must fit
   */
  frameBytes: 65_536,
  /** inputs of one transaction; 256 x 41 + witness stays far below the 100 kvB standardness bound */
  inputs: 256,
  /** outputs of one transaction */
  outputs: 64,
  /** serialised unsigned transaction, bytes: 256 inputs x 41 + 64 outputs x 43, rounded up */
  txBytes: 16_384,
  /** live sessions per wallet: what a person can still look through */
  liveSessions: 16,
  /** undecided proposals of one proposer */
  undecidedPerProposer: 4,
  /** proposals that one proposer may bring at once, and per minute after that: people do not decide faster */
  proposalsAtOnce: 16,
  proposalsPerMinute: 12,
  /** ended sessions of one proposer, nothing of mine out, that are kept for the history */
  endedKept: 64,
  /** members in code; the UI stops at 15 */
  members: 100,
  /** UTF-8 bytes of names of people and wallets */
  nameBytes: 64,
  /** UTF-8 bytes of a note or a reason */
  noteBytes: 512,
  /** UTF-8 bytes of a practice text */
  practiceBytes: 512,
  /** relays in a list */
  relays: 16,
  /** characters of a multiaddr, a peer id's included */
  multiaddrBytes: 256,
  /** characters of an extended key: 111 for xpub/tpub */
  xpubBytes: 112,
  /** characters of a key origin path: "87h/1h/2147483647h" has 18; 100 roster entries of it must fit a frame */
  pathBytes: 32,
  /** characters of a peer id: 52 for an Ed25519 key */
  peerIdBytes: 56,
  /** characters of an app build or a reason code */
  codeBytes: 32,
  /** protocol versions that a hello may offer */
  versions: 8,
  /**
   * signed messages in one `fail`: of the culprit pubnonces and partials, of the hub nonces, and one that contradicts
   */
  evidenceItems: 4,
  /** bytes of all evidence in one `fail`: pubnonces, nonces and partials of 256 inputs are 47 KiB */
  evidenceBytes: 57_344,
  /**
   * addresses in one announcement: 2 relays with 2 kinds each, and as many of a change under way; 8 x 256 fits
   * `announcementBytes`
   */
  announcedAddresses: 8,
  /** bytes of a stored or filed wallet record: that of 100 members is 76 KiB */
  recordBytes: 131_072,
  /** people who may ask for a seat of one draft at a time; the creator admits by hand */
  draftJoiners: 32,
  /** characters of a pasted invite: 16 relays of 256 characters in base64url, and the page's own URL */
  inviteChars: 8_192,
  /** labels in a wallet file */
  labels: 2_000,
  /** bytes of a wallet file, sealed or not: record, and 2000 labels of 600 bytes */
  fileBytes: 2_097_152,
  /**
   * bytes of a stored session: proposal twice, 256 nonces and partials, votes of 100 members, the signed transaction
   */
  sessionBytes: 262_144,
  /** bytes of the transcript of one session: a session of 100 inputs and 15 members says 150 KiB in one attempt */
  transcriptBytes: 524_288,
  /** concurrent inbound streams of one peer */
  streamsPerPeer: 8,
  /** messages of one peer per second; above it the stream is reset */
  messagesPerSecond: 50,
  /** a sealed presence announcement, bytes */
  announcementBytes: 4_096,
  /** seconds that a session may live: 7 days */
  sessionLifeS: 604_800,
  /** seconds until a proposal expires unless said otherwise: 24 h */
  defaultExpiryS: 86_400,
  /** no `begin` in the last 5 minutes before expiry, seconds */
  noBeginBeforeExpiryS: 300,
  /** automatic attempts after the first, then a person decides */
  autoRetries: 5,
  /** attempts of one session in all */
  attempts: 32,
  /** seconds that a secret nonce may wait for its use */
  nonceLifeS: 60,
  /** seconds without the hub before another member may take over */
  hubTimeoutS: 30,
  /** blocks above the tip that a locktime may name */
  locktimeAhead: 3,
  /** unused addresses that are watched after the last used one (BIP44) */
  gapLimit: 20,
} as const
